"""Event types that every tenant has without a row in a table."""

from __future__ import annotations

from everlog.v1 import catalog_pb2 as pb

_MESH = {
    "widget.created": "Somebody has made a widget.",
    "provider.connected": "A provider was connected.",
    "automation.triggered": "An automation was set off.",
    "workflow.completed": "A workflow has come to its end.",
    "error.occurred": "Something went wrong.",
}

PRELOADED = {
    name: pb.EventTypeDefinition(
        name=name, category="mesh", description=description, documentable=True
    )
    for name, description in sorted(_MESH.items())
}
"""Until a tenant registers the name: then it has its own."""

PRELOADED_VERSION = 1

SERVER_TYPES = frozenset(
    {"outcome.recorded", "narrative.saved", "entity.linked", "entity.unlinked"}
)
"""What the server itself writes. Known in every catalogue, however strict, and listed in none."""
