"""Every RPC of the contract, from its descriptors: none is hand-picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from everlog.v1 import (
    admin_pb2,
    aggregates_pb2,
    catalog_pb2,
    consumers_pb2,
    entities_pb2,
    event_store_pb2,
    narratives_pb2,
    projections_pb2,
)

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

FILES = (
    admin_pb2,
    aggregates_pb2,
    catalog_pb2,
    consumers_pb2,
    entities_pb2,
    event_store_pb2,
    narratives_pb2,
    projections_pb2,
)
METHODS: dict[str, MethodDescriptor] = {
    f"{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
"""By the name that is on the wire, without its first slash."""
