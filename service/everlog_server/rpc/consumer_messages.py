"""Messages of consumers, encoded. What carries events is written by hand: see codec.py."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty

from everlog.v1 import consumers_pb2 as pb
from everlog_server.errors import DeliveryNotHeldError
from everlog_server.model import uuid_text
from everlog_server.rpc.codec import signed_varint, varint
from everlog_server.rpc.status import status_of

if TYPE_CHECKING:
    from everlog_server.consumers import Member
    from everlog_server.consumers.member import Delivery, Settlement
    from everlog_server.storage.consumers import ConsumerState, StoredConsumer, StoredMember

# Tags. Field 1 of a Delivery is its event: a record, as it is stored.
_DELIVERIES = b"\x0a"
_DELIVERY_ID = b"\x12"
_DELIVERY_ATTEMPT = b"\x18"
_REPLAYED = b"\x20\x01"
_SETTLEMENTS = b"\x12"
_SETTLEMENT_ID = b"\x0a"
_SETTLEMENT_ATTEMPT = b"\x10"
_REFUSAL = b"\x1a"

HEARTBEAT = pb.ConsumeResponse(heartbeat=Empty()).SerializeToString()


def encode_opened(member: Member) -> bytes:
    """The first message of a stream."""
    opened = pb.ConsumeResponse.Opened(member_id=str(member.member_id), credit=member.credit)
    opened.lease.FromMilliseconds(round(member.lease_seconds * 1000))
    return pb.ConsumeResponse(opened=opened).SerializeToString()


def encode_turn(deliveries: Sequence[Delivery], settlements: Sequence[Settlement]) -> bytes:
    """A ConsumeResponse."""
    pieces: list[bytes] = []
    for delivery in deliveries:
        record, delivery_id = delivery.event.record, delivery.delivery_id.encode()
        rest = b"".join(
            (
                _DELIVERY_ID,
                varint(len(delivery_id)),
                delivery_id,
                _DELIVERY_ATTEMPT,
                varint(delivery.attempt),
                _REPLAYED if delivery.event.is_replayed else b"",
            )
        )
        pieces += (_DELIVERIES, varint(len(record) + len(rest)), record, rest)
    for settlement in settlements:
        delivery_id = settlement.delivery_id.encode()
        message = b"".join(
            (
                _SETTLEMENT_ID,
                varint(len(delivery_id)),
                delivery_id,
                _SETTLEMENT_ATTEMPT,
                signed_varint(settlement.attempt),
            )
        )
        if not settlement.is_stored:
            refusal = _refusal(settlement.delivery_id)
            message += _REFUSAL + varint(len(refusal)) + refusal
        pieces += (_SETTLEMENTS, varint(len(message)), message)
    return b"".join(pieces)


@lru_cache(maxsize=16)
def _refusal(delivery_id: str) -> bytes:
    return status_of(DeliveryNotHeldError(delivery_id)).SerializeToString()


def encode_consumer(
    consumer: StoredConsumer, state: ConsumerState, members: Sequence[StoredMember]
) -> pb.Consumer:
    """A consumer, and where it is."""
    message = pb.Consumer(
        name=consumer.name,
        settings=pb.ConsumerSettings.FromString(consumer.settings),
        version=consumer.version,
        status=pb.ConsumerStatus(
            checkpoint=state.checkpoint,
            head_position=state.head,
            lag=max(0, state.head - state.checkpoint),
            in_flight=state.in_flight,
            retrying=state.retrying,
            parked=state.parked,
            blocked=state.blocked,
            catching_up=state.catching_up,
        ),
    )
    message.created_time.FromMicroseconds(consumer.created_time)
    message.updated_time.FromMicroseconds(consumer.updated_time)
    if state.oldest_unfinished_time is not None:
        message.status.oldest_unfinished_time.FromMicroseconds(state.oldest_unfinished_time)
    for one in members:
        member = message.status.members.add(
            member_id=uuid_text(one.member_id.bytes),
            name=one.name,
            shares=one.shares,
            in_flight=one.in_flight,
        )
        member.joined_time.FromMicroseconds(one.joined_time)
    return message
