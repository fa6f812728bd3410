"""What a writer expects of aggregates at the moment of an append."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeAlias

from google.protobuf.empty_pb2 import Empty

from everlog import aggregates
from everlog.v1 import event_store_pb2


class Existence(Enum):
    """Whether an aggregate is expected to have events."""

    MUST_NOT_EXIST = "must not exist"
    MUST_EXIST = "must exist"


MUST_NOT_EXIST = Existence.MUST_NOT_EXIST
"""The aggregate has no events."""

MUST_EXIST = Existence.MUST_EXIST
"""The aggregate has events."""

Expected: TypeAlias = int | Existence
"""The last sequence exactly (0: it has no events), or whether it has events at all."""

Expectations: TypeAlias = Expected | Mapping[tuple[str, str], Expected]
"""One expectation of the aggregate that the events are about, or several, each by its aggregate."""


def describe(expected: Expected) -> str:
    """Say in words what was expected, such as `3`, `none` or `some`."""
    match expected:
        case Existence.MUST_NOT_EXIST:
            return "it not to exist"
        case Existence.MUST_EXIST:
            return "it to exist"
        case sequence:
            return str(sequence)


def to_messages(
    expect: Expectations | None, *, written: Iterable[tuple[str, str]]
) -> list[event_store_pb2.ExpectedSequence]:
    """Encode expectations; a single one is of the only aggregate that is `written`.

    Raises ValueError when a single expectation meets events of several aggregates.
    """
    if expect is None:
        return []
    if not isinstance(expect, Mapping):
        only, *others = dict.fromkeys(written)
        if others:
            raise ValueError("several aggregates are written: say what is expected of each of them")
        expect = {only: expect}
    return [_to_message(aggregate, expected) for aggregate, expected in expect.items()]


def _to_message(aggregate: tuple[str, str], expected: Expected) -> event_store_pb2.ExpectedSequence:
    message = event_store_pb2.ExpectedSequence(aggregate=aggregates.to_message(aggregate))
    match expected:
        case Existence.MUST_NOT_EXIST:
            message.must_not_exist.CopyFrom(Empty())
        case Existence.MUST_EXIST:
            message.must_exist.CopyFrom(Empty())
        case sequence:
            message.exactly = sequence
    return message
