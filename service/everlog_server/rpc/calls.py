"""What calls there were, counted by method, and the log of those that are to be seen.

A unary call that ends well takes a few additions; what takes longer happens only when a call fails,
or when every call is to be logged (`log.access`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal, NamedTuple

import structlog

from everlog_server.measures import Buckets, Distribution

OK = "OK"
CANCELLED = "CANCELLED"

_LINES_A_SECOND_MAX = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSnapshot:
    """The calls of one method since the start."""

    method: str
    """With its service: `everlog.v1.EventStoreService/Emit`."""
    running: int
    ended: dict[tuple[str, str], int]
    """By code and reason; the reason is empty when there is none."""
    seconds: Distribution | None
    """Of calls with one answer. How long a stream lasts says nothing."""
    received_bytes: int
    sent_bytes: int


class Ended(NamedTuple):
    """A call that is over, as the log has it: nothing of what was said in it."""

    method: str
    tenant: str
    identity: str
    """Of its caller: see `Caller`. `unknown` when it was not known."""
    code: str
    reason: str
    seconds: float
    received_bytes: int
    sent_bytes: int
    request_id: str
    peer: str


class AccessLog:
    """Writes a line for each call, or each failed one, that has ended.

    Of failures at most 100 lines a second: a caller who fails in a loop must not fill the disk, nor
    cost the others their time. How many were left out is said when there is room again.
    """

    def __init__(self, wanted: Literal["off", "failures", "all"]) -> None:
        self.takes_all = wanted == "all"
        self._takes_failures = wanted != "off"
        self._second = 0
        self._lines = 0

    def takes(self, code: str) -> bool:
        """Whether a call that ends so gets a line now. A caller who goes has not failed."""
        if self.takes_all:
            return True
        if not self._takes_failures or code == CANCELLED:
            return False
        second = int(time.monotonic())
        if second != self._second:
            left_out = self._lines - _LINES_A_SECOND_MAX
            self._second, self._lines = second, 0
            if left_out > 0:
                log.warning("failed calls not logged", calls=left_out)
        self._lines += 1
        return self._lines <= _LINES_A_SECOND_MAX

    def write(self, ended: Ended) -> None:
        """Writes the line."""
        log.info(
            "call",
            method=ended.method,
            tenant=ended.tenant,
            identity=ended.identity,
            code=ended.code,
            **({"reason": ended.reason} if ended.reason else {}),
            duration_ms=round(ended.seconds * 1000, 3),
            request_id=ended.request_id,
            received_bytes=ended.received_bytes,
            sent_bytes=ended.sent_bytes,
            peer=ended.peer,
        )


class MethodCalls:
    """The calls of one method."""

    __slots__ = (
        "access_log",
        "began",
        "failed",
        "is_stream",
        "method",
        "received_bytes",
        "seconds",
        "sent_bytes",
        "succeeded",
    )

    def __init__(self, method: str, access_log: AccessLog, *, is_stream: bool) -> None:
        self.method = method
        self.access_log = access_log
        self.is_stream = is_stream
        self.began = self.succeeded = self.received_bytes = self.sent_bytes = 0
        self.failed: dict[tuple[str, str], int] = {}
        self.seconds = Buckets()

    def fail(self, code: str, reason: str) -> None:
        """Counts a call that has ended so."""
        ending = (code, reason)
        self.failed[ending] = self.failed.get(ending, 0) + 1

    def snapshot(self) -> MethodSnapshot:
        """What was counted until now."""
        ended = self.failed | ({(OK, ""): self.succeeded} if self.succeeded else {})
        return MethodSnapshot(
            method=self.method,
            running=self.began - sum(ended.values()),
            ended=ended,
            seconds=None if self.is_stream else self.seconds.snapshot(),
            received_bytes=self.received_bytes,
            sent_bytes=self.sent_bytes,
        )


class Calls:
    """The calls of a process."""

    def __init__(self, access_log: AccessLog) -> None:
        self._access_log = access_log
        self._methods: dict[str, MethodCalls] = {}
        self.streamed_emits: dict[tuple[str, str], int] = {(OK, ""): 0}
        """Emits of EmitStreams that were answered, by code and reason."""

    def of(self, method: str, *, is_stream: bool = False) -> MethodCalls:
        """Where the calls of a method are counted."""
        calls = MethodCalls(method, self._access_log, is_stream=is_stream)
        return self._methods.setdefault(method, calls)

    def snapshot(self) -> list[MethodSnapshot]:
        """All that were counted until now."""
        return [calls.snapshot() for calls in self._methods.values()]
