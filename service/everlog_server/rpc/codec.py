"""The bytes of the wire, written by hand where each event passes: pure functions, no I/O.

A *record* is what is stored and sent for ever: a serialized RecordedEvent, framed as one element of
`repeated RecordedEvent events = 1`. Every response that carries events has them in field 1, so
joined records with a few encoded fields behind them *are* the response: no event object is built
to be sent. (A GetResponse has its one event in field 1 too: the record is the response.)

Protobuf does not mind in which order fields come. So a record is what only the server knows (id,
position, sequence, record time: fields 1 to 4, the same numbers in Receipt), and behind it the
caller's bytes.

What is worth knowing of the format: a field is its tag (eight times its number, plus its wire type)
and its value; a varint has 7 bits a byte, the lowest first, the high bit on all but the last.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Sequence
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from everlog.v1 import event_store_pb2
from everlog_server.model import Head, NewEvent, StoredEvent, uuid_text

# Tags. Those of fields 1 to 4 stand in RecordedEvent and in Receipt alike.
_EVENT = b"\x0a"
_EVENT_ID = b"\x0a\x24"  # with the length: a UUID's text has 36 bytes
_POSITION = b"\x10"
_SEQUENCE = b"\x18"
_RECORD_TIME = b"\x22"
_OCCURRED_TIME = b"\x92\x01"
_SHARED_ID_BYTES = 10
"""Ids made together share so many; as text they are 24 characters."""
_RECEIPT = b"\x0a"
_RECEIPT_FLAGS = {
    (deduplicated, documentable): b"\x28\x01" * deduplicated + b"\x30\x01" * documentable
    for deduplicated in (False, True)
    for documentable in (False, True)
}
_ANSWER = b"\x0a"
_REQUEST_ID = b"\x08"
_ANSWER_RESPONSE = b"\x12"
_ANSWER_STATUS = b"\x1a"
_EXAMINED_POSITION = b"\x10"
_CAUGHT_UP = b"\x1a\x00"
_FELL_BEHIND = b"\x22\x00"
_HEARTBEAT = b"\x2a\x00"
_NEXT_PAGE_TOKEN = b"\x12"
_TOTAL_SIZE = b"\x18"
_THROUGH_POSITION = b"\x20"
_LATEST_THROUGH_POSITION = b"\x10"

# Varints, 14 bits at a time: all of a number below 16,384, or its lowest 14 bits when more follow.
_BITS = 14
_MASK = (1 << _BITS) - 1
_WHOLE = [bytes((n,)) if n < 128 else bytes((n & 127 | 128, n >> 7)) for n in range(1 << _BITS)]
_LOWEST = [bytes((n & 127 | 128, n >> 7 | 128)) for n in range(1 << _BITS)]


def varint(value: int) -> bytes:
    """A number that is not negative, as a varint."""
    if value <= _MASK:
        return _WHOLE[value]
    return _LOWEST[value & _MASK] + varint(value >> _BITS)


def signed_varint(value: int) -> bytes:
    """An `int64` as a varint; a negative one is its two's complement, of ten bytes."""
    return varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def frame_events(
    events: Sequence[NewEvent],
    event_ids: Sequence[bytes],
    sequences: Sequence[int],
    *,
    first_position: int,
    record_time: int,
) -> tuple[list[bytes], list[bytes]]:
    """The records of events that follow each other in the log, and their receipts, framed.

    Joined receipts are an EmitResponse. Both begin with the same fields, which are made once.
    """
    recorded = _record_time(record_time)
    recorded_and_occurred = _record_and_occurred_time(record_time)
    records: list[bytes] = []
    receipts: list[bytes] = []
    position = first_position
    shared_id = text_of_shared_id = b""
    for event, event_id, sequence in zip(events, event_ids, sequences, strict=True):
        if event_id[:_SHARED_ID_BYTES] != shared_id:
            shared_id = event_id[:_SHARED_ID_BYTES]
            text_of_shared_id = _EVENT_ID + uuid_text(event_id)[:24].encode()
        # Small numbers are looked up here: a call less is a tenth less, and so on below.
        numbers = b"".join(
            (
                text_of_shared_id,
                hexlify(event_id[_SHARED_ID_BYTES:]),
                _POSITION,
                _WHOLE[position] if position <= _MASK else varint(position),
                _SEQUENCE,
                _WHOLE[sequence] if sequence <= _MASK else varint(sequence),
            )
        )
        body = event.body
        times = recorded_and_occurred if event.occurred_time is None else recorded
        size = len(numbers) + len(times) + len(body)
        records.append(
            b"".join(
                (_EVENT, _WHOLE[size] if size <= _MASK else varint(size), numbers, times, body)
            )
        )
        flags = _RECEIPT_FLAGS[False, event.documentable]
        size = len(numbers) + len(recorded) + len(flags)
        receipts.append(b"".join((_RECEIPT, _WHOLE[size], numbers, recorded, flags)))
        position += 1
    return records, receipts


@lru_cache(maxsize=64)
def _timestamp(microseconds: int) -> bytes:
    """A serialized Timestamp behind its length."""
    seconds, rest = divmod(microseconds, 1_000_000)
    message = Timestamp(seconds=seconds, nanos=rest * 1000).SerializeToString()
    return varint(len(message)) + message


# A batch's events share their record time, and so do the receipts of a few batches in flight.
@lru_cache(maxsize=64)
def _record_time(microseconds: int) -> bytes:
    return _RECORD_TIME + _timestamp(microseconds)


@lru_cache(maxsize=64)
def _record_and_occurred_time(microseconds: int) -> bytes:
    return _RECORD_TIME + _timestamp(microseconds) + _OCCURRED_TIME + _timestamp(microseconds)


def frame_known_receipt(event: StoredEvent) -> bytes:
    """The receipt of an event that was stored before, framed."""
    message = b"".join(
        (
            _EVENT_ID,
            uuid_text(event.event_id).encode(),
            _POSITION,
            varint(event.position),
            _SEQUENCE,
            varint(event.sequence),
            _record_time(event.record_time),
            _RECEIPT_FLAGS[True, event.documentable],
        )
    )
    return _RECEIPT + varint(len(message)) + message


def encode_answer(request_id: int, response: bytes) -> bytes:
    """One answer of an EmitStreamResponse: an EmitResponse. Joined answers are the message."""
    answer = b"".join(
        (
            _REQUEST_ID,
            signed_varint(request_id),
            _ANSWER_RESPONSE,
            varint(len(response)),
            response,
        )
    )
    return _ANSWER + varint(len(answer)) + answer


def encode_refusal(request_id: int, status: status_pb2.Status) -> bytes:
    """One answer of an EmitStreamResponse: a status. Joined answers are the message."""
    message = status.SerializeToString()
    answer = b"".join(
        (_REQUEST_ID, signed_varint(request_id), _ANSWER_STATUS, varint(len(message)), message)
    )
    return _ANSWER + varint(len(answer)) + answer


def encode_head(head: Head) -> bytes:
    """A GetHeadResponse."""
    response = event_store_pb2.GetHeadResponse(position=head.position)
    if head.event_id is not None:
        response.event_id = uuid_text(head.event_id)
        response.record_time.FromMicroseconds(head.record_time)
    return response.SerializeToString()


def encode_query_response(
    records: bytes,
    *,
    next_page_token: str,
    total_size: int | None,
    through_position: int,
    outcomes: bytes = b"",
) -> bytes:
    """A QueryResponse. The token is ASCII; the outcomes are framed."""
    pieces = [records, _THROUGH_POSITION, varint(through_position), outcomes]
    if next_page_token:
        pieces += (_NEXT_PAGE_TOKEN, varint(len(next_page_token)), next_page_token.encode())
    if total_size is not None:
        pieces += (_TOTAL_SIZE, varint(total_size))
    return b"".join(pieces)


def event_ids_of(records: bytes) -> list[str]:
    """The ids of the events of joined records, whose frames and first fields alone are read."""
    event_ids = []
    at = 0
    while at < len(records):
        size = shift = 0
        while True:
            at += 1
            byte = records[at]
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        at += 1
        event_ids.append(records[at + 2 : at + 38].decode())
        at += size
    return event_ids


def encode_latest_response(records: bytes, through_position: int) -> bytes:
    """A LatestResponse."""
    return b"".join((records, _LATEST_THROUGH_POSITION, varint(through_position)))


def encode_replay_response(records: bytes, examined_position: int) -> bytes:
    """A ReplayResponse."""
    return b"".join((records, _EXAMINED_POSITION, varint(examined_position)))


def encode_subscribe_response(
    records: bytes,
    examined_position: int,
    *,
    caught_up: bool = False,
    fell_behind: bool = False,
    heartbeat: bool = False,
) -> bytes:
    """A SubscribeResponse."""
    return b"".join(
        (
            records,
            _EXAMINED_POSITION,
            varint(examined_position),
            _CAUGHT_UP * caught_up,
            _FELL_BEHIND * fell_behind,
            _HEARTBEAT * heartbeat,
        )
    )
