"""From a NewEvent of the wire to one of the house: the hot path of an event that comes in.

`decode_event` reads each field once, and checks on its way what decoding needs anyway: ids, times,
the payload. It says *that* something is wrong, not what: validation.py looks again at the few that
fail, and tells everything. Sizes and NUL characters are not its matter.
"""

from __future__ import annotations

from collections.abc import Container
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from everlog.v1 import event_pb2, event_store_pb2
from everlog_server.model import AggregateKey, NewEvent
from everlog_server.rpc.codec import varint
from everlog_server.rpc.jsonb import read_json

if TYPE_CHECKING:
    from everlog_server.rpc.stamps import Stamp

JSON_CONTENT_TYPE = "application/json"
SOURCE_AGGREGATE_TYPE = "source"

# From 0001-01-01 to 9999-12-31, as Timestamp has it.
_SECONDS_MIN = -62_135_596_800
_SECONDS_MAX = 253_402_300_799
_NANOS_MAX = 999_999_999

# Fields that are added behind the caller's bytes, `documentable` always and last.
_AGGREGATE_OF_SOURCE = b"\x2a\x06source\x32"
_DOCUMENTABLE = (b"\x98\x01\x00", b"\x98\x01\x01")
DOCUMENTABLE_BYTES = 3

_FINGERPRINT_VERSION = b"\x01"
_new_tuple = tuple.__new__
_NO_PAYLOAD, _JSON, _BINARY = "none", "json", "binary"


def decode_event(
    event: event_pb2.NewEvent,
    documentable_types: Container[str] = (),
    values: list[Any] | None = None,
    stamp: Stamp | None = None,
) -> NewEvent:
    """The event, if nothing is wrong with it but, perhaps, sizes and NUL characters.

    `documentable_types` are those whose events are documentable when the caller does not say. The
    parsed JSON, or None when there is none, is appended to `values`: it is parsed here in any case.
    What of `stamp` the event leaves empty is written behind its bytes; whether it contradicts the
    rest is to be asked of the event.

    Raises ValueError otherwise. Unknown fields must have been discarded. Changes the message: the
    id and `documentable` go, other ids become lower-case, times lose what is finer than
    microseconds.
    """
    json = event.json
    if not json:
        if values is not None:
            values.append(None)
        return _decode_any_event(event, None, documentable_types, stamp)
    data, value = read_json(json)
    if values is not None:
        values.append(value)
    aggregate_type = event.aggregate_type
    aggregate_id = event.aggregate_id
    event_type = event.event_type
    key = event.idempotency_key
    body = event.SerializeToString()
    size = len(data)
    names = len(aggregate_type) + len(aggregate_id) + len(event_type) + len(key)
    # Are these all the fields that it has? Then nothing else need be asked for. Two bytes frame a
    # field of less than 128; names that are longer, or not ASCII, take the long way.
    framing = 8 if size < 128 else 7 + len(varint(size))
    if (
        len(body) != names + size + (framing + 2 if key else framing)
        or not aggregate_type
        or not aggregate_id
        or not event_type
    ):
        return _decode_any_event(event, data, documentable_types, stamp)
    documentable = event_type in documentable_types
    actor = user_id = None
    if stamp is not None:
        actor, user_id = stamp.actor, stamp.user_id or None
        body += stamp.both_bytes
    # Half of what `NewEvent(…)` costs, which is a function in Python.
    return _new_tuple(
        NewEvent,
        (
            _new_tuple(AggregateKey, (aggregate_type, aggregate_id)),
            event_type,
            None,
            key or None,
            fingerprint(f"{_JSON}\0{aggregate_type}\0{aggregate_id}\0{event_type}\0\0", data)
            if key
            else None,
            None,
            documentable,
            None,
            None,
            None,
            actor,
            user_id,
            data,
            None,
            None,
            None,
            (),
            body + _DOCUMENTABLE[documentable],
        ),
    )


def _decode_any_event(  # noqa: C901, PLR0912, PLR0915  one call an event
    event: event_pb2.NewEvent,
    data: bytes | None,
    documentable_types: Container[str],
    stamp: Stamp | None,
) -> NewEvent:
    """The same for an event that may have any field; `data` is its JSON."""
    aggregate_type = event.aggregate_type
    aggregate_id = event.aggregate_id
    event_type = event.event_type
    key = event.idempotency_key
    source = event.source
    if not event_type:
        raise ValueError("no event type")
    if aggregate_type and aggregate_id:
        added = b""
    elif source and not aggregate_type and not aggregate_id:
        aggregate_type, aggregate_id = SOURCE_AGGREGATE_TYPE, source
        added = _AGGREGATE_OF_SOURCE + _length_and_text(source)
    else:
        raise ValueError("no aggregate")

    content_type = event.content_type
    if data is not None:
        kind, payload = _JSON, data
    else:
        kind, payload = _other_payload(event)
    if content_type and kind is not _BINARY:
        if content_type != JSON_CONTENT_TYPE:
            raise ValueError("content type without a payload of it")
        content_type = ""

    event_id = causation_id = occurred_time = metadata = None
    if text := event.event_id:
        event_id = parse_uuid(text)
        event.ClearField("event_id")
    if text := event.causation_id:
        causation_id = parse_uuid(text)
        if (canonical := text.lower()) != text:
            event.causation_id = canonical
    if event.HasField("occurred_time"):
        occurred_time = _cut_to_microseconds(event.occurred_time)
    if entries := event.metadata:
        if "" in entries:
            raise ValueError("empty metadata key")
        # Half of what dict(entries) costs, which asks for its items one by one, in Python.
        metadata = orjson.dumps({key: entries[key] for key in entries})
    intent = _json_of(event.intent) if event.HasField("intent") else None
    context, related_event_ids = (
        _decode_context(event.context) if event.HasField("context") else (None, ())
    )
    if event.HasField("documentable"):
        documentable = event.documentable
        event.ClearField("documentable")
    else:
        documentable = event_type in documentable_types
    actor, user_id = event.actor, event.user_id
    if stamp is not None:  # not into the message, whose own fields may be looked at again
        if not actor:
            actor = stamp.actor
            added += stamp.actor_bytes
        if not user_id:
            user_id = stamp.user_id
            added += stamp.user_id_bytes

    return NewEvent(
        _new_tuple(AggregateKey, (aggregate_type, aggregate_id)),
        event_type,
        event_id,
        key or None,
        fingerprint(
            f"{kind}\0{aggregate_type}\0{aggregate_id}\0{event_type}\0{content_type}\0", payload
        )
        if key or event_id is not None
        else None,
        occurred_time,
        documentable,
        source or None,
        event.correlation_id or None,
        causation_id,
        actor or None,
        user_id or None,
        data,
        metadata,
        intent,
        context,
        related_event_ids,
        event.SerializeToString() + added + _DOCUMENTABLE[documentable],
    )


def fingerprint(names: str, payload: bytes) -> bytes:
    """What decides whether two events have the same content. Stored for ever: never change it.

    A version, then BLAKE2b-128 of the payload's kind, aggregate type, aggregate id, event type and
    content type, each ended by the NUL that it can't hold, and then the payload. Of JSON, the
    content type is left out: absent and `application/json` mean the same.
    """
    return _FINGERPRINT_VERSION + blake2b(names.encode() + payload, digest_size=16).digest()


def fingerprint_of_record(record: bytes) -> bytes:
    """The fingerprint of an event that was stored without one."""
    event = event_store_pb2.GetResponse.FromString(record).event
    kind, payload = (_JSON, event.json.encode()) if event.json else _other_payload(event)
    content_type = event.content_type if kind is _BINARY else ""
    names = (kind, event.aggregate_type, event.aggregate_id, event.event_type, content_type)
    return fingerprint("".join(f"{name}\0" for name in names), payload)


def parse_uuid(text: str) -> bytes:
    """The 16 bytes of a UUID, written with dashes, in any case; raises ValueError for all else."""
    if len(text) == 36 and text[8:24:5] == "----":
        # fromhex() skips white space, so that text with any comes out shorter.
        value = bytes.fromhex(text.replace("-", ""))
        if len(value) == 16:
            return value
    raise ValueError("is not a UUID such as 01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718")


def to_microseconds(time: Timestamp) -> int:
    """Microseconds since 1970, cut; raises ValueError for a time outside of the years 1 to 9999."""
    seconds, nanos = time.seconds, time.nanos
    if not (_SECONDS_MIN <= seconds <= _SECONDS_MAX and 0 <= nanos <= _NANOS_MAX):
        raise ValueError("is not a time in the years 1 to 9999 with 0 to 999999999 nanos")
    return seconds * 1_000_000 + nanos // 1000


def _cut_to_microseconds(time: Timestamp) -> int:
    microseconds = to_microseconds(time)
    if finer := time.nanos % 1000:
        time.nanos -= finer
    return microseconds


def _other_payload(event: event_pb2.NewEvent | event_pb2.RecordedEvent) -> tuple[str, bytes]:
    present = event.WhichOneof("payload")
    if present == "json":
        raise ValueError("empty JSON")
    return (_NO_PAYLOAD, b"") if present is None else (_BINARY, event.binary)


def _decode_context(context: event_pb2.Context) -> tuple[bytes | None, tuple[bytes, ...]]:
    related = context.related_event_ids
    ids = tuple(map(parse_uuid, related))
    related[:] = [text.lower() for text in related]
    return _json_of(context), ids


def _json_of(message: Message) -> bytes | None:
    """The fields that are set, as a JSON object; None if none is."""
    fields = {field.name: value for field, value in message.ListFields()}
    return orjson.dumps(fields, default=list) if fields else None


def _length_and_text(text: str) -> bytes:
    encoded = text.encode()
    return varint(len(encoded)) + encoded
