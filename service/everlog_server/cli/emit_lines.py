"""`everlog emit -`: JSON lines on stdin become events, each with an outcome of its own."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import everlog
from everlog_server.cli.event_json import read_event, receipt_line
from everlog_server.cli.failures import ExitCode, exit_code, explain, say
from everlog_server.cli.progress import Advance, progress
from everlog_server.cli.target import Target

_CHUNK_BYTES = 256 * 1024
_CHUNKS_AHEAD_MAX = 4
# What is wrong with the call is wrong with every line.
_OF_THE_CALLER = (everlog.TenantNotFound, everlog.Unauthenticated, everlog.PermissionDenied)
_LINE_BYTES_MAX = 8 * 1024 * 1024
# An event's time begins when it is queued, and up to 8 MiB are queued before it.
_QUEUED_TIMEOUTS = 6


async def emit_lines(target: Target, *, batch_events: int, skip_known: bool) -> None:
    """Emit an event for each line of stdin; exit with 3 when any was refused.

    Stops at the first failure that all following lines would share, such as a lost connection.
    """
    with progress("emitting", total=_size_of_stdin()) as advance:
        import_ = _Import(advance)
        async with target.connect(retries=True) as client:
            outcomes = client.emit_stream(
                import_.events(),
                batch_events=batch_events,
                known_events="skip" if skip_known else "refuse",
                linger_seconds=None,  # batches are what was asked for, however slow the input
                timeout_seconds=_QUEUED_TIMEOUTS * target.timeout_seconds,
            )
            async with aclosing(outcomes):
                unavailable = await _settle(outcomes, import_, as_json=target.json)
    import_.say_refusal()
    sys.stdout.buffer.flush()
    count = import_.count
    counted = ("stored", "already there", "refused")
    say(", ".join(f"{count[what]:,} {what}" for what in counted))
    if unavailable is not None:
        line, error = unavailable
        if not isinstance(error, _OF_THE_CALLER):
            say(f"line {line:,} is the first without an answer: go on from there")
        raise error
    if count["refused"]:
        sys.exit(ExitCode.REFUSED)


async def _settle(
    outcomes: AsyncGenerator[everlog.Outcome, None], import_: _Import, *, as_json: bool
) -> tuple[int, everlog.EverlogError] | None:
    """Take the outcomes; return the line and the error that made it pointless to go on, if any."""
    async for _, outcome in outcomes:
        line = import_.lines.popleft()
        if isinstance(outcome, everlog.Receipt):
            import_.count["already there" if outcome.deduplicated else "stored"] += 1
            if as_json:
                sys.stdout.buffer.write(receipt_line(outcome, line=line))
                if not import_.lines:  # nothing else is coming soon: somebody may be waiting
                    sys.stdout.buffer.flush()
        elif exit_code(outcome) is ExitCode.UNAVAILABLE or isinstance(outcome, _OF_THE_CALLER):
            return line, outcome
        else:
            import_.refuse(line, outcome)
    return None


class _Import:
    """Where an import is: the lines on their way, and how many came to what."""

    def __init__(self, advance: Advance) -> None:
        self.lines: deque[int] = deque()
        """The numbers of the lines whose events have no outcome yet."""

        self.count: Counter[str] = Counter()
        self._advance = advance
        self._refusal: tuple[int, int, everlog.EverlogError] | None = None

    async def events(self) -> AsyncIterator[everlog.Event]:
        """Read the events of stdin; lines that are none are refused here."""
        number = 0
        async for line in _lines_of_stdin():
            number += 1
            self._advance(len(line) + 1)
            if not line.strip():
                continue
            try:
                event = read_event(line)
            except ValueError as error:
                self.count["refused"] += 1
                say(f"line {number}: {error}")
            else:
                self.lines.append(number)
                yield event

    def refuse(self, line: int, error: everlog.EverlogError) -> None:
        """Count a refused line, and say so; those that were refused together are told together."""
        self.count["refused"] += 1
        if self._refusal is not None and self._refusal[2] is error:
            self._refusal = (self._refusal[0], line, error)
            return
        self.say_refusal()
        self._refusal = (line, line, error)

    def say_refusal(self) -> None:
        """Say what was refused last, if it is not said yet."""
        if self._refusal is not None:
            first, last, error = self._refusal
            where = f"line {first}" if first == last else f"lines {first} to {last}"
            say(f"{where}: {explain(error)}")
            self._refusal = None


async def _lines_of_stdin() -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in _chunks_of_stdin():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > _LINE_BYTES_MAX:
            raise everlog.EventTooLarge(f"a line of more than {_LINE_BYTES_MAX:,} bytes")
    if rest:
        yield rest


async def _chunks_of_stdin() -> AsyncIterator[bytes]:
    """Read what there is as soon as it is there, from a file as from a pipe.

    In a thread, because event loops can't watch regular files; in a daemon thread, because nobody
    can interrupt a read, and Ctrl-C must not wait for the next line.
    """
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_CHUNKS_AHEAD_MAX)

    def read() -> None:
        try:
            while True:
                room.acquire()
                chunk = os.read(sys.stdin.fileno(), _CHUNK_BYTES)
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
                if not chunk:
                    return
        except RuntimeError:
            return  # the loop is closed: nobody wants more

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while chunk := await chunks.get():
        room.release()
        yield chunk


def _size_of_stdin() -> int | None:
    """Give the bytes that there are to read; None when stdin is no regular file."""
    status = os.fstat(sys.stdin.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None
