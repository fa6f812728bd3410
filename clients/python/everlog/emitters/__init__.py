"""Emitters that persist themselves: what is emitted in process is stored, too.

Begin with `persist_events(emitter, client, world="…")`; the client's README.md shows the rest.
`pip install 'everlog[emitters]'` brings pyee; nothing here imports it.
"""

from everlog.emitters.attaching import CHANNELS, Attachment, Emitter, persist_events
from everlog.emitters.mapping import Place
from everlog.emitters.recording import recorded
from everlog.emitters.reports import CloseReport, Stats
from everlog.emitters.retrieval import world_events
from everlog.emitters.writer import EventWriter

__all__ = [
    "CHANNELS",
    "Attachment",
    "CloseReport",
    "Emitter",
    "EventWriter",
    "Place",
    "Stats",
    "persist_events",
    "recorded",
    "world_events",
]
