"""What a handler may decide of an event, other than that it is finished or has failed.

A decision is raised or returned, whichever reads better: deep within a handler an exception, at its
end a value.
"""

from __future__ import annotations

import traceback
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty

from everlog.v1 import consumers_pb2

_ERROR_CHARACTERS_MAX = 4096
"""The server keeps as many bytes: a text of megabytes need not travel."""

_RETRY_SECONDS_MAX = 7 * 24 * 3600.0

_Nack = consumers_pb2.DeliveryAnswer.Nack


class Decision(Exception):
    """A handler's decision; see Retry, Park and Skip."""

    def to_message(self) -> consumers_pb2.DeliveryAnswer.Nack:
        """Encode it."""
        raise NotImplementedError


class Retry(Decision):
    """Try the event again: after the consumer's back-off, or `after` seconds (0: at once).

    It counts as an attempt. `error` says why; absent, it is that of the exception from which this
    is raised.
    """

    def __init__(self, after: float | timedelta | None = None, *, error: str = "") -> None:
        super().__init__(error)
        self.after = after.total_seconds() if isinstance(after, timedelta) else after
        self.error = error
        if self.after is not None and not 0 <= self.after <= _RETRY_SECONDS_MAX:
            raise ValueError(f"after is {self.after} s, expected 0 s to 7 days")

    def to_message(self) -> consumers_pb2.DeliveryAnswer.Nack:
        """Encode it."""
        cause = self.__cause__ or self.__context__
        asked = last_line(cause) if cause else "the handler asks for another attempt"
        message = _Nack(error=_cut(self.error or asked))
        if self.after == 0:
            message.retry_now.CopyFrom(Empty())
        elif self.after is not None:
            message.retry_after.CopyFrom(_duration(self.after))
        return message


class Park(Decision):
    """Park the event without another attempt; the reason is kept with it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def to_message(self) -> consumers_pb2.DeliveryAnswer.Nack:
        """Encode it."""
        return _Nack(error=_cut(self.reason), park=Empty())


class Skip(Decision):
    """Count the event as finished, although nothing was done; `reason` is for readers of the code.

    The server keeps nothing of it.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    def to_message(self) -> consumers_pb2.DeliveryAnswer.Nack:
        """Encode it."""
        return _Nack(error=_cut(self.reason), skip=Empty())


def failure(error: BaseException) -> consumers_pb2.DeliveryAnswer.Nack:
    """Encode that a handler failed: the event is tried again after the consumer's back-off."""
    return _Nack(error=_cut(last_line(error)))


def last_line(error: BaseException) -> str:
    """Give the last line of an exception's traceback: its class and what it says."""
    return "".join(traceback.format_exception_only(error)).strip()


def _cut(text: object) -> str:
    # What is said may be no text at all, such as the exception that is the reason. And lone
    # surrogates, such as those of file names, are none for protobuf.
    return str(text)[:_ERROR_CHARACTERS_MAX].encode(errors="backslashreplace").decode()


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromMicroseconds(round(seconds * 1_000_000))
    return duration
