"""NOTIFY as a hint: one process tells the others that a log has grown.

A hint carries nothing and may be lost, late or doubled: who gets one looks at the heads, and looks
without one too. It is sent after the commit, on a connection of its own, and coalesced: inside the
append's transaction it would serialise all commits of the cluster (docs/adr/0003).

The same connection listens. PostgreSQL sends us our own hints too; like this they come with the
answer that we read in any case, and wake nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from everlog_server.storage.database import Database
from everlog_server.storage.pipeline import Answer, ConnectionLost, Pipeline, StatementFailed

log = structlog.get_logger(__name__)

_SEND_INTERVAL_SECONDS = 0.01
_RECONNECT_SECONDS = 1.0
_SILENCE_SECONDS_MAX = 10.0
"""After this long without one, a hint goes out all the same: a dead connection is found out."""
_STATEMENTS = {b"listen": "LISTEN everlog_heads", b"notify": "NOTIFY everlog_heads"}


class Hints:
    """Sends and receives hints. Run `run` as a task."""

    def __init__(self, database: Database) -> None:
        self._conninfo = database.direct_conninfo
        self._answer_seconds = database.answer_seconds
        self._round_trips = database.round_trips_of("hints")
        self._wanted = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_hint: Callable[[], None]) -> None:
        """Has it called too when `run` calls its own. Must be cheap, and not raise."""
        self._listeners.append(on_hint)

    def announce(self) -> None:
        """A log has grown: others should look. Cheap; sends nothing itself."""
        self._wanted.set()

    async def run(self, on_hint: Callable[[], None]) -> None:
        """Sends what is announced, at most every 10 ms, and hears what others send, for ever.

        Calls `on_hint` for each hint of others, and after each reconnection.
        """

        def tell() -> None:
            on_hint()
            for listener in self._listeners:
                listener()

        while True:
            try:
                pipeline = await Pipeline.connect(
                    self._conninfo,
                    _STATEMENTS,
                    answer_seconds=self._answer_seconds,
                    round_trips=self._round_trips,
                )
                try:
                    await self._exchange(pipeline, tell)
                finally:
                    pipeline.close("hints are not exchanged any more")
            except (ConnectionLost, StatementFailed) as error:
                log.debug("hints can't be exchanged", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _exchange(self, pipeline: Pipeline, on_hint: Callable[[], None]) -> None:
        own_pid = pipeline.backend_pid
        pipeline.on_notification = lambda pid: None if pid == own_pid else on_hint()
        pipeline.when_lost(self._wanted.set)
        await pipeline.ask((b"listen", ()))
        on_hint()  # whatever was announced before we listened
        while True:
            try:
                async with asyncio.timeout(_SILENCE_SECONDS_MAX):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            pipeline.send((b"notify", ()), on_answer=_note_failure)
            await asyncio.sleep(_SEND_INTERVAL_SECONDS)


def _note_failure(answer: Answer) -> None:
    if isinstance(answer, StatementFailed):
        log.debug("a hint could not be sent", error=str(answer))
