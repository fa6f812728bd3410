"""Names of aggregates: what events are about."""

from __future__ import annotations

from typing import NamedTuple

from everlog.v1 import event_pb2


class AggregateKey(NamedTuple):
    """Names an aggregate, such as `order` / `42`. A plain pair of texts will do as well."""

    aggregate_type: str
    aggregate_id: str

    def __str__(self) -> str:
        return f"{self.aggregate_type}/{self.aggregate_id}"

    @classmethod
    def parse(cls, text: str) -> AggregateKey:
        """Read `order/42`. The first slash parts type and id; the id may have more of them."""
        aggregate_type, slash, aggregate_id = text.partition("/")
        if not (aggregate_type and slash and aggregate_id):
            raise ValueError(f"{text!r} is no aggregate: expected its type and id, as in order/42")
        return cls(aggregate_type, aggregate_id)


def to_message(aggregate: tuple[str, str]) -> event_pb2.AggregateKey:
    """Encode an aggregate's name."""
    aggregate_type, aggregate_id = aggregate
    return event_pb2.AggregateKey(aggregate_type=aggregate_type, aggregate_id=aggregate_id)
