"""Settling: what was not simply appended is resolved and appended here, one flight after the other.

1. *In doubt*: a connection was lost while flights were on it. On a new connection the epoch is
   raised, which shuts out every append that was sent before; then the log is asked for each
   flight's events. Only in this order is the answer final: a backend that was still waiting for
   the lock could otherwise commit after the look (docs/adr/0001).
2. *Under the lock*: everything that a flight needs is looked up with the tenant's row locked,
   judged again, appended and committed. Nothing is assumed, so this ends, whoever else is writing.
   A frozen tenant's are refused here: its epoch was raised, so each of them comes here.
3. *Bisecting*: a flight that PostgreSQL refuses for its content is cut in halves until the one
   request that it refuses stands alone. Its neighbours are appended.

PostgreSQL away: tried again until `commit_resolution_seconds` are over; then those in doubt are
told COMMIT_UNKNOWN, the others STORAGE_UNAVAILABLE, and the trying goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from everlog_server.append.flights import Caller, Flight
from everlog_server.append.judging import Codec, judge
from everlog_server.append.memory import Memory
from everlog_server.errors import (
    EverlogError,
    FieldViolation,
    InternalError,
    InvalidEventError,
    StorageUnavailableError,
    TenantFrozenError,
    TenantNotFoundError,
)
from everlog_server.model import AggregateKey
from everlog_server.storage.appends import (
    AppendConnection,
    ConnectionLost,
    Facts,
    StatementFailed,
    Verdict,
)

log = structlog.get_logger(__name__)

_RECONNECT_DELAYS_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_DATA_REFUSED = ("22", "54")
"""SQLSTATE classes: data exception, program limit exceeded. The caller's data is at fault."""
_STORAGE_REFUSED = ("08", "25", "40", "53", "55", "57", "58")
"""SQLSTATE classes: connection, transaction state (read-only), rollback, resources, object state
(lock timeout), operator (shutdown, statement timeout), system. Nobody's data is at fault."""


class Settler:
    """Settles flights of one tenant. One call of `settle` runs at a time."""

    def __init__(
        self,
        tenant_id: int,
        *,
        memory: Memory,
        connect: Callable[[int], Awaitable[AppendConnection]],
        codec: Codec,
        on_durable: Callable[[Flight], None],
        on_unavailable: Callable[[EverlogError], None],
        resolution_seconds: float,
    ) -> None:
        self._tenant_id = tenant_id
        self._memory = memory
        self._connect = connect
        self._codec = codec
        self._on_durable = on_durable
        self._on_unavailable = on_unavailable
        self._resolution_seconds = resolution_seconds

    async def settle(
        self, connection: AppendConnection | None, unsettled: deque[Flight]
    ) -> AppendConnection:
        """Answers every caller of `unsettled`, empties it, and returns a connection that is up."""
        while True:
            try:
                if connection is None or not connection.is_open:
                    connection = await self._reconnect(unsettled)
                while unsettled:
                    await self._append_under_lock(connection, unsettled)
            except ConnectionLost:
                continue
            except BaseException:
                if connection is not None:
                    connection.close("settling was given up")
                raise
            return connection

    async def _reconnect(self, unsettled: deque[Flight]) -> AppendConnection:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._resolution_seconds
        attempt = 0
        given_up = False
        while True:
            try:
                connection = await self._connect(self._tenant_id)
                try:
                    await self._resolve(connection, unsettled)
                except BaseException:
                    connection.close("what was in doubt could not be resolved")
                    raise
            except (ConnectionLost, StatementFailed) as error:
                if loop.time() >= deadline and not given_up:
                    given_up = True
                    self._give_up(unsettled, error)
                delay = _RECONNECT_DELAYS_SECONDS[min(attempt, len(_RECONNECT_DELAYS_SECONDS) - 1)]
                attempt += 1
                await asyncio.sleep(delay)
            else:
                if attempt:
                    log.info("connected again", tenant_id=self._tenant_id, attempts=attempt)
                return connection

    async def _resolve(self, connection: AppendConnection, unsettled: deque[Flight]) -> None:
        """Finds out which flights in doubt were committed; those are concluded, the others stay."""
        doubtful = [flight for flight in unsettled if flight.in_doubt]
        if not doubtful:
            return
        await connection.shut_out_earlier_appends()
        for flight in doubtful:
            batch = flight.batch
            stored = batch is not None and await connection.is_stored(batch.fence, batch.rows)
            flight.in_doubt = False
            if stored:
                unsettled.remove(flight)
                self._on_durable(flight)

    def _give_up(self, unsettled: deque[Flight], error: Exception) -> None:
        for flight in unsettled:
            flight.refuse(StorageUnavailableError())
        unsettled.clear()
        log.error("PostgreSQL can't be reached", tenant_id=self._tenant_id, error=str(error))
        self._on_unavailable(StorageUnavailableError())

    async def _append_under_lock(
        self, connection: AppendConnection, unsettled: deque[Flight]
    ) -> None:
        flight = unsettled[0]
        flight.callers = [caller for caller in flight.callers if not caller.is_gone]
        try:
            if flight.callers:
                await self._look_judge_append(connection, flight)
        except ConnectionLost:
            raise  # the flight stays first, and in doubt if it was being committed
        except Exception as error:
            unsettled.popleft()
            unsettled.extendleft(reversed(_after_failure(flight, error)))
            # A failed statement has left the transaction open.
            await connection.give_up()
            if isinstance(error, StatementFailed) and error.sqlstate.startswith("25"):
                connection.close(f"PostgreSQL does not write here: {error}")
        else:
            unsettled.popleft()
            if flight.callers:
                self._on_durable(flight)

    async def _look_judge_append(self, connection: AppendConnection, flight: Flight) -> None:
        memory = self._memory
        keys, event_ids, aggregates = _questions(flight.callers)
        flight.sent = time.monotonic()
        facts = await connection.look_and_lock(memory.confirmed, keys, event_ids, aggregates)
        memory.refresh(facts.appended_by_others)
        if facts.is_frozen:
            self._answer_frozen(flight, facts)
            memory.confirmed, memory.last_record_time = facts.fence, facts.last_record_time
            await connection.give_up()
            return
        strangers = [a for a in aggregates if memory.get(a) is None]
        batch = judge(
            [caller.emission for caller in flight.callers],
            fence=facts.fence,
            last_record_time=facts.last_record_time,
            memory=memory,
            facts=facts,
            codec=self._codec,
        )
        flight.batch = batch
        if batch.rows.events:
            flight.in_doubt = True
            verdict = await connection.append_locked(batch.fence, batch.rows)
            if verdict is not Verdict.APPENDED:
                raise InternalError(f"an append under the lock was {verdict.value}")
            flight.in_doubt = False
        else:
            await connection.give_up()
        if strangers:
            memory.strangers_are_new = not any(facts.last_sequences[a] for a in strangers)
        memory.update({a: last for a, last in facts.last_sequences.items() if last})
        memory.update(batch.last_sequences)
        memory.confirmed = batch.next_fence
        memory.last_record_time = batch.rows.record_time

    def _answer_frozen(self, flight: Flight, facts: Facts) -> None:
        """Refuses who would append; a retry of what the log has is answered as ever."""
        for caller in flight.callers:
            batch = judge(
                [caller.emission],
                fence=facts.fence,
                last_record_time=facts.last_record_time,
                memory=self._memory,
                facts=facts,
                codec=self._codec,
            )
            caller.tell(TenantFrozenError() if batch.rows.events else batch.outcomes[0])
        flight.callers = []


def _questions(
    callers: list[Caller],
) -> tuple[list[str], list[bytes], list[AggregateKey]]:
    """What must be known to judge these requests: keys, chosen ids, aggregates; each once."""
    keys: dict[str, None] = {}
    event_ids: dict[bytes, None] = {}
    aggregates: dict[AggregateKey, None] = {}
    for emission in (caller.emission for caller in callers):
        for event in emission.events:
            aggregates[event.aggregate] = None
            if event.idempotency_key is not None:
                keys[event.idempotency_key] = None
            if event.event_id is not None:
                event_ids[event.event_id] = None
        for expectation in emission.expectations:
            aggregates[expectation.aggregate] = None
    return list(keys), list(event_ids), list(aggregates)


def _after_failure(flight: Flight, error: Exception) -> list[Flight]:
    """Refuses the flight's callers, or, if one of several may be to blame, cuts it in halves."""
    flight.in_doubt = False
    if isinstance(error, TenantNotFoundError):
        flight.refuse(error)
        return []
    if isinstance(error, StatementFailed) and error.sqlstate.startswith(_STORAGE_REFUSED):
        log.error("PostgreSQL refuses to append", sqlstate=error.sqlstate, message=error.message)
        flight.refuse(StorageUnavailableError(f"PostgreSQL refuses to append: {error.message}"))
        return []
    if len(flight.callers) > 1:
        middle = len(flight.callers) // 2
        return [Flight(flight.callers[:middle], None), Flight(flight.callers[middle:], None)]
    if isinstance(error, StatementFailed) and error.sqlstate.startswith(_DATA_REFUSED):
        flight.refuse(
            InvalidEventError(FieldViolation("events", f"PostgreSQL refuses it: {error.message}"))
        )
        return []
    log.error("append failed", exc_info=error)
    flight.refuse(InternalError())
    return []
