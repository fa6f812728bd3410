"""What is asked of aggregates, checked; and where a listing of them goes on."""

from __future__ import annotations

import struct
from typing import NamedTuple

from everlog.v1 import aggregates_pb2 as pb
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import AggregateKey
from everlog_server.rpc.fields import text_problem
from everlog_server.settings import LimitSettings
from everlog_server.storage.listings import Names

_POSITIONS = struct.Struct(">qq")


class Place(NamedTuple):
    """Where a listing goes on."""

    head: int
    """The head when the first page was taken."""
    end: int
    """By activity: the position up to which last events are yet to be looked for; else 0."""
    last: AggregateKey | None
    """By name: the last aggregate that was looked at; else None."""

    def pack(self) -> bytes:
        """As a token holds it."""
        # No name holds a NUL.
        return _POSITIONS.pack(self.head, self.end) + "\0".join(self.last or ()).encode()

    @classmethod
    def unpack(cls, place: bytes) -> Place:
        """Raises ValueError or struct.error when it is none."""
        head, end = _POSITIONS.unpack_from(place)
        if len(place) == _POSITIONS.size:
            return cls(head, end, None)
        aggregate_type, aggregate_id = place[_POSITIONS.size :].decode().split("\0")
        return cls(head, end, AggregateKey(aggregate_type, aggregate_id))


def decode_names(request: pb.ListAggregatesRequest, limits: LimitSettings) -> Names:
    """Which names are listed; raises BadRequestError."""
    violations = [
        FieldViolation(name, problem)
        for name in ("aggregate_type", "id_prefix")
        if (problem := text_problem(getattr(request, name), limits.name_bytes_max)) is not None
    ]
    if request.id_prefix and not request.aggregate_type:
        violations.append(FieldViolation("id_prefix", "may only be given with an aggregate_type"))
    if violations:
        raise BadRequestError(*violations)
    return Names.of(request.aggregate_type, request.id_prefix)
