"""Event types, aggregate types and policies on the wire: as messages."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog.catalogue import Catalogue
from everlog_server.catalog.preloaded import PRELOADED, PRELOADED_VERSION
from everlog_server.storage.catalogs import StoredEventType, StoredVersion


def event_type_of(catalogue: Catalogue, name: str) -> pb.EventType:
    """An event type of a catalogue, or a preloaded one."""
    one = catalogue.types.get(name)
    return preloaded(name) if one is None else _registered(one.stored, one.definition)


def preloaded(name: str) -> pb.EventType:
    """An event type that every tenant has."""
    return pb.EventType(definition=PRELOADED[name], version=PRELOADED_VERSION, preloaded=True)


def aggregate_type_of(stored: StoredVersion) -> pb.AggregateType:
    """An aggregate type."""
    return pb.AggregateType(
        definition=pb.AggregateTypeDefinition.FromString(stored.definition),
        version=stored.version,
        created_time=timestamp_of(stored.created_time),
    )


def policy_of(catalogue: Catalogue) -> pb.CatalogPolicy.ValueType:
    """How strictly Emits are held to a catalogue."""
    return pb.CATALOG_POLICY_STRICT if catalogue.is_strict else pb.CATALOG_POLICY_OPEN


def timestamp_of(time: datetime) -> Timestamp:
    """A time."""
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp


def _registered(stored: StoredEventType, definition: pb.EventTypeDefinition) -> pb.EventType:
    return pb.EventType(
        definition=definition,
        version=stored.version,
        created_time=timestamp_of(stored.created_time),
        deprecated_time=(
            None if stored.deprecated_time is None else timestamp_of(stored.deprecated_time)
        ),
        deprecation_note=stored.deprecation_note,
    )
