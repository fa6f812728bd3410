"""A graph on the wire: what is asked for, checked, and the answer, put together from bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from everlog.v1 import narratives_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import Graph, LinkKind, Outcome
from everlog_server.rpc.codec import varint
from everlog_server.rpc.fields import checked_enum, decode_uuid
from everlog_server.rpc.outcomes import OUTCOMES_OF_TRACE, frame_outcomes
from everlog_server.storage.graph import TraceAsked

DEPTH_DEFAULT = 10
DEPTH_MAX = 100

# The default limit of clients is 4 MiB; what is beside the graph fits into the rest.
ANSWER_BYTES_MAX = 4 * 1024 * 1024 - 16 * 1024
OUTCOMES_BYTES_MAX = 512 * 1024

_ID = b"\x0a\x24"
_SECOND_ID = b"\x12\x24"
_DEPTH = b"\x10"
_DANGLING = b"\x18\x01"
_KIND = b"\x18"
_NODE = b"\x12"
_EDGE = b"\x1a\x4e"  # with the length: two ids, and a kind below 128
_KINDS = {kind.value: varint(kind.value) for kind in LinkKind}
_TRUNCATED = b"\x28\x01"


class _AsksForAGraph(Protocol):
    """What TraceRequest and BuildNarrativeRequest share."""

    event_id: str
    direction: pb.TraceDirection.ValueType
    max_depth: int
    max_events: int

    @property
    def link_kinds(self) -> Sequence[int]: ...


def decode_trace(request: _AsksForAGraph, *, events_default: int, events_max: int) -> TraceAsked:
    """Which graph is meant; raises BadRequestError."""
    direction = checked_enum(request.direction, pb.TraceDirection.DESCRIPTOR, "direction")
    return TraceAsked(
        event_id=decode_uuid(request.event_id, "event_id"),
        backwards=direction != pb.TRACE_DIRECTION_FORWARDS,
        forwards=direction != pb.TRACE_DIRECTION_BACKWARDS,
        link_kinds=frozenset(_link_kinds(request.link_kinds)) or frozenset(LinkKind),
        depth_max=_bounded(request.max_depth, DEPTH_MAX, "max_depth") or DEPTH_DEFAULT,
        events_max=_bounded(request.max_events, events_max, "max_events") or events_default,
    )


def _link_kinds(values: Sequence[int]) -> list[LinkKind]:
    for index, value in enumerate(values):
        path = f"link_kinds[{index}]"
        if checked_enum(value, pb.LinkKind.DESCRIPTOR, path) == pb.LINK_KIND_UNSPECIFIED:
            raise BadRequestError(FieldViolation(path, "must say which kind"))
    return [LinkKind(value) for value in set(values)]


def _bounded(value: int, most: int, path: str) -> int:
    if not 0 <= value <= most:
        raise BadRequestError(FieldViolation(path, f"is {value}; 0 to {most}"))
    return value


def encode_trace(graph: Graph, outcomes: Sequence[Outcome]) -> bytes:
    """A TraceResponse."""
    ids = [event_id.encode() for event_id in graph.event_ids]
    pieces = [graph.records]
    for place, (event_id, depth) in enumerate(zip(ids, graph.depths, strict=True)):
        far = _DEPTH + varint(depth) if depth else b""
        node = b"".join((_ID, event_id, far, b"" if place < graph.events else _DANGLING))
        pieces += (_NODE, varint(len(node)), node)
    # Thousands, all of one size: put together from what each node has in all of its edges.
    beginnings = [b"".join((_EDGE, _ID, event_id, _SECOND_ID)) for event_id in ids]
    endings = [event_id + _KIND for event_id in ids]
    pieces += [
        beginnings[from_place] + endings[to_place] + _KINDS[kind]
        for from_place, to_place, kind in graph.edges
    ]
    pieces.append(frame_outcomes(OUTCOMES_OF_TRACE, outcomes))
    if graph.is_truncated:
        pieces.append(_TRUNCATED)
    return b"".join(pieces)
