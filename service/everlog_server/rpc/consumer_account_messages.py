"""What became of events with consumers, as the wire has it: pure functions.

A PendingEvent and a ParkedEvent have their event in field 1, where a stored record has it: records
are passed on as they are.
"""

from __future__ import annotations

import orjson

from everlog.v1 import consumers_pb2 as pb
from everlog_server.consumers.accounts import Processing, State
from everlog_server.consumers.pending import Pending
from everlog_server.rpc.codec import varint
from everlog_server.storage.consumer_accounts import Row
from everlog_server.storage.consumer_parked import Parked

_EVENT = b"\x0a"


def encode_processing(processing: Processing) -> pb.EventProcessing:
    """What became of one event."""
    message = pb.EventProcessing(
        consumer=processing.consumer,
        state=pb.EventProcessing.State.ValueType(processing.state.value),
        attempts=processing.attempts,
        last_error=processing.last_error,
        blocks_aggregate=processing.blocks_aggregate,
    )
    if processing.next_attempt_time is not None:
        message.next_attempt_time.FromMicroseconds(processing.next_attempt_time)
    if processing.parked_time is not None:
        message.parked_time.FromMicroseconds(processing.parked_time)
    return message


def encode_pending(pending: Pending) -> bytes:
    """One element of a ListPendingResponse, framed."""
    told = pb.PendingEvent(processing=encode_processing(pending.processing))
    return _element(pending.record + told.SerializeToString())


def encode_parked(consumer: str, parked: Parked) -> bytes:
    """One element of a ListParkedResponse, framed; it is field 1 of a GetParkedResponse, too."""
    told = pb.ParkedEvent(processing=encode_processing(_processing(consumer, parked.row)))
    for attempt in orjson.loads(parked.history):
        failed = told.attempts.add(
            attempt=attempt["attempt"], member=attempt["member"], error=attempt["error"]
        )
        failed.failed_time.FromMicroseconds(attempt["failed_time"])
    return _element(parked.record + told.SerializeToString())


def _element(message: bytes) -> bytes:
    return _EVENT + varint(len(message)) + message


def _processing(consumer: str, row: Row) -> Processing:
    return Processing(
        consumer,
        State.PARKED,
        row.attempts,
        row.last_error,
        None,
        row.parked_time,
        row.state == "blocking",
    )
