"""Times between Python and the wire: aware datetimes with microseconds, in UTC."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_timestamp(time: datetime) -> Timestamp:
    """Encode a time. Raises ValueError for a naive one: nobody can tell which moment it means."""
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone")
    seconds, microseconds = divmod((time - _EPOCH) // _MICROSECOND, 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


def to_datetime(timestamp: Timestamp) -> datetime:
    """Decode a time, in UTC; what is finer than a microsecond is cut off."""
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


def optional_datetime(message: Message, field: str) -> datetime | None:
    """Decode a field that is a time; None when it is absent."""
    return to_datetime(getattr(message, field)) if message.HasField(field) else None
