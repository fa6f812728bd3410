"""One libpq connection in pipeline mode, driven by the event loop: groups of prepared statements.

A group is sent in one write and ends with a Sync: outside of an explicit transaction it is one
implicit one. Groups are answered in the order in which they were sent; the next may be sent before
the last has answered. This is psycopg's C-level interface, without cursors, futures or locks
between: a group costs one callback (docs/adr/0002).

Invariant: every group that was sent gets exactly one answer, a result or a failure; after a lost
connection every group still waiting gets ConnectionLost, and no further one can be sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import psycopg
from psycopg import AsyncConnection, pq
from psycopg.rows import TupleRow

from everlog_server.measures import Buckets

_LOOK_SECONDS = 0.25
Row = tuple[bytes | None, ...]
Rows = list[Row]
Statement = tuple[bytes, Sequence[bytes | None]]
"""A prepared statement's name, and its parameters in binary format."""


class ConnectionLost(Exception):
    """The connection is gone; what was in flight may or may not have been committed."""


class StatementFailed(Exception):
    """PostgreSQL refused a statement. The group's transaction has not happened."""

    def __init__(self, sqlstate: str, message: str, constraint: str | None) -> None:
        self.sqlstate = sqlstate
        self.message = message
        self.constraint = constraint
        super().__init__(f"{message} (SQLSTATE {sqlstate})")


Answer = list[Rows] | ConnectionLost | StatementFailed


class _Group(NamedTuple):
    rows: list[Rows]
    failures: list[StatementFailed]
    on_answer: Callable[[Answer], None]
    sent: float


class Pipeline:
    """A connection that is up. Make one with `Pipeline.connect`."""

    def __init__(
        self,
        owner: AsyncConnection[TupleRow],
        loop: asyncio.AbstractEventLoop,
        answer_seconds: float,
        round_trips: Buckets,
    ) -> None:
        self._round_trips = round_trips
        self._owner = owner  # it ends the connection when it is collected
        self._connection = owner.pgconn
        self._connection.nonblocking = 1
        self._connection.enter_pipeline_mode()
        self._loop = loop
        self._answer_seconds = answer_seconds
        self._socket = self._connection.socket
        self._groups: deque[_Group] = deque()
        self._writing = False
        self._lost: ConnectionLost | None = None
        self._when_lost: list[Callable[[], None]] = []
        self._look: asyncio.TimerHandle | None = None
        self.backend_pid: int = self._connection.backend_pid
        """The process of PostgreSQL at the other end."""
        self.on_notification: Callable[[int], None] | None = None
        """Called with the sender's pid for each NOTIFY that arrives, when it is LISTENed to."""
        loop.add_reader(self._socket, self._on_readable)

    @classmethod
    async def connect(
        cls,
        conninfo: str,
        statements: dict[bytes, str],
        *,
        answer_seconds: float,
        round_trips: Buckets,
    ) -> Pipeline:
        """Connects and prepares `statements` (name → SQL with $1 …); ConnectionLost if it can't.

        Bounded by the `connect_timeout` of `conninfo`. `answer_seconds` is how long `ask` waits;
        `round_trips` counts how long each group took.
        """
        try:
            # psycopg's own way: libpq's blocking one would hold the interpreter while it waits.
            connection = await AsyncConnection.connect(conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise ConnectionLost(str(error)) from error
        pipeline = cls(connection, asyncio.get_running_loop(), answer_seconds, round_trips)
        try:
            await pipeline._prepare(statements)
        except BaseException as error:
            pipeline.close("it could not be prepared")
            if isinstance(error, StatementFailed):
                raise ConnectionLost(str(error)) from error
            raise
        return pipeline

    @property
    def is_open(self) -> bool:
        """Whether groups can be sent."""
        return self._lost is None

    def send(self, *statements: Statement, on_answer: Callable[[Answer], None]) -> None:
        """Sends one group. `on_answer` is called once: rows for each statement, or a failure.

        Raises ConnectionLost if it is known to be lost already; then `on_answer` is not called.
        """

        def send_all() -> None:
            for name, parameters in statements:
                self._connection.send_query_prepared(
                    name,
                    parameters,
                    param_formats=[pq.Format.BINARY] * len(parameters),
                    result_format=pq.Format.BINARY,
                )

        self._send_group(send_all, on_answer)

    async def ask(self, *statements: Statement) -> list[Rows]:
        """Sends one group and waits for its answer; raises ConnectionLost or StatementFailed.

        A connection that does not answer in time is given up: ConnectionLost.
        """
        answered: asyncio.Future[list[Rows]] = self._loop.create_future()
        self.send(*statements, on_answer=_resolver(answered))
        return await self._in_time(answered)

    async def _prepare(self, statements: dict[bytes, str]) -> None:
        def send_all() -> None:
            for name, sql in statements.items():
                self._connection.send_prepare(name, sql.encode())

        answered: asyncio.Future[list[Rows]] = self._loop.create_future()
        self._send_group(send_all, _resolver(answered))
        await self._in_time(answered)

    def _send_group(
        self, send_all: Callable[[], None], on_answer: Callable[[Answer], None]
    ) -> None:
        if self._lost is not None:
            raise self._lost
        try:
            send_all()
            self._connection.pipeline_sync()
        except psycopg.OperationalError as error:
            lost = ConnectionLost(str(error))
            self._lose(lost)
            raise lost from error
        self._groups.append(_Group([], [], on_answer, time.monotonic()))
        self._flush()
        if self._look is None:
            self._look = self._loop.call_later(_LOOK_SECONDS, self._look_again)

    async def _in_time(self, answered: asyncio.Future[list[Rows]]) -> list[Rows]:
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await answered
        except TimeoutError:
            self.close(f"no answer for {self._answer_seconds:.0f} s")
            raise ConnectionLost("PostgreSQL does not answer") from None

    def close(self, reason: str = "closed") -> None:
        """Ends the connection; what is in flight is answered with ConnectionLost. Idempotent."""
        self._lose(ConnectionLost(reason))

    def _look_again(self) -> None:
        """Reads without being told to, while something is unanswered.

        When a peer dies with bytes of ours unread, the kernel reports an error on the socket; libuv
        then ends its watch, and nobody calls us any more.
        """
        self._look = None
        if self._lost is None and self._groups:
            self._on_readable()
        if self._lost is None and self._groups:
            self._look = self._loop.call_later(_LOOK_SECONDS, self._look_again)

    def _flush(self) -> None:
        try:
            unsent = self._connection.flush()
        except psycopg.OperationalError as error:
            self._lose_soon(ConnectionLost(str(error)))
            return
        if self._connection.status != pq.ConnStatus.OK:
            # libpq met the end while it was writing, and has closed the socket: nothing will ever
            # be readable. What it had read before may hold answers.
            self._loop.call_soon(self._read_answers)
        elif unsent and not self._writing:
            self._writing = True
            self._loop.add_writer(self._socket, self._flush)
        elif not unsent and self._writing:
            self._writing = False
            self._loop.remove_writer(self._socket)

    def _on_readable(self) -> None:
        try:
            self._connection.consume_input()
        except psycopg.OperationalError as error:
            self._lose(ConnectionLost(str(error)))
            return
        if self._writing:
            self._flush()
        self._read_answers()
        if self.on_notification is not None and self._lost is None:
            while (notification := self._connection.notifies()) is not None:
                self.on_notification(notification.be_pid)

    def _read_answers(self) -> None:
        """Takes what libpq has; loses a connection that libpq has dropped."""
        connection = self._connection
        ended = False
        while self._groups and self._lost is None and not connection.is_busy():
            result = connection.get_result()
            if result is not None:
                ended = False
                self._take(result)
            elif ended or connection.status != pq.ConnStatus.OK:
                break
            else:
                ended = True  # one null ends a statement's results; a second one, what there is
        if self._lost is None and connection.status != pq.ConnStatus.OK:
            self._lose(ConnectionLost(connection.get_error_message()))

    def _take(self, result: pq.abc.PGresult) -> None:
        group = self._groups[0]
        match result.status:
            case pq.ExecStatus.TUPLES_OK:
                group.rows.append(
                    [
                        tuple(result.get_value(row, column) for column in range(result.nfields))
                        for row in range(result.ntuples)
                    ]
                )
            case pq.ExecStatus.COMMAND_OK:
                group.rows.append([])
            case pq.ExecStatus.PIPELINE_SYNC:
                self._groups.popleft()
                self._round_trips.observe(time.monotonic() - group.sent)
                group.on_answer(group.failures[0] if group.failures else group.rows)
            case pq.ExecStatus.PIPELINE_ABORTED:
                pass  # a statement of the same group failed before, and said why
            case _:
                group.failures.append(_failure(result))

    def when_lost(self, notify: Callable[[], None]) -> None:
        """`notify` is called once, when the connection is lost or closed; at once if it is."""
        if self._lost is not None:
            notify()
        else:
            self._when_lost.append(notify)

    def _lose_soon(self, lost: ConnectionLost) -> None:
        """Not at once: whoever sends now has not yet noted that it waits for an answer."""
        self._loop.call_soon(self._lose, lost)

    def _lose(self, lost: ConnectionLost) -> None:
        if self._lost is not None:
            return
        self._lost = lost
        with suppress(RuntimeError, OSError):  # a watch that has ended by itself
            self._loop.remove_reader(self._socket)
            if self._writing:
                self._loop.remove_writer(self._socket)
        if self._look is not None:
            self._look.cancel()
        self._connection.finish()
        groups, self._groups = self._groups, deque()
        for notify in self._when_lost:
            notify()
        for group in groups:
            group.on_answer(lost)


def _resolver(answered: asyncio.Future[list[Rows]]) -> Callable[[Answer], None]:
    def resolve(answer: Answer) -> None:
        if answered.done():
            return
        if isinstance(answer, Exception):
            answered.set_exception(answer)
        else:
            answered.set_result(answer)

    return resolve


def _failure(result: pq.abc.PGresult) -> StatementFailed:
    def field(code: pq.DiagnosticField) -> str | None:
        value = result.error_field(code)
        return value.decode(errors="replace") if value is not None else None

    return StatementFailed(
        field(pq.DiagnosticField.SQLSTATE) or "XX000",
        field(pq.DiagnosticField.MESSAGE_PRIMARY) or "unknown failure",
        field(pq.DiagnosticField.CONSTRAINT_NAME),
    )
