"""One sequencer a process and tenant: it drains the queue of waiting Emits into group commits.

    waiting ──judge──▶ in flight (at most `pipeline_depth` batches) ──appended──▶ answered
       ▲                   │ stale, known, moved, failed, connection lost
       └──── settling ◀────┘   (nothing new is sent until everything unsettled is answered)

Fast path: one callback judges what waits and sends it; the answer's callback tells the callers. The
next batch is sent before the last has answered: it names the state of the log that the last one
will leave, so if that one fails, it fails too. Nothing waits when nothing is in flight.

Invariants:
- A caller is told after its batch is durable, or that it is refused, or that it can't be known.
- Callers are judged in the order in which they submitted, also after a failure.
- While the settling task runs, only it sends.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from everlog_server.append.counts import AppendCounts, NoteBatch
from everlog_server.append.flights import Caller, Flight, Waiting
from everlog_server.append.judging import Batch, Codec, LookFirst, judge
from everlog_server.append.memory import Memory
from everlog_server.append.pace import Pace
from everlog_server.append.room import Room, WholeRoom
from everlog_server.append.settling import Settler
from everlog_server.errors import (
    CommitUnknownError,
    EverlogError,
    InternalError,
    ServerDrainingError,
    StorageUnavailableError,
)
from everlog_server.model import Committed, Emission
from everlog_server.settings import AppendSettings
from everlog_server.storage.appends import (
    AppendConnection,
    ConnectionLost,
    StatementFailed,
    Verdict,
)

log = structlog.get_logger(__name__)

_WATCH_INTERVAL_SECONDS = 5.0
_IDLE_CONNECTION_SECONDS = 300.0
_STOP_LOOK_SECONDS = 0.01
_COMPANY_REQUESTS = 32
_COMPANY_BYTES = 32 * 1024
"""So much that waits is company enough: no batch lingers for more."""
_REPLAN_AT_HEADS = (100, 1_000, 10_000, 100_000)
"""Statements that were planned for a smaller table are planned anew when the log reaches these."""


class Sequencer:
    """Appends to one tenant's log. Used from one event loop."""

    def __init__(
        self,
        tenant_id: int,
        *,
        settings: AppendSettings,
        answer_timeout_seconds: float,
        connect: Callable[[int], Awaitable[AppendConnection]],
        codec: Codec,
        counts: AppendCounts,
        on_committed: Callable[[int, Committed], None],
        is_contended: Callable[[], bool],
        whole_room: WholeRoom,
        note_batch: NoteBatch | None = None,
    ) -> None:
        """`is_contended` tells whether other tenants wait for a connection to append by.

        `whole_room` is that of all tenants' queues; `note_batch` gets tenant, events and seconds of
        each batch that is durable.
        """
        self._note_batch = note_batch
        self.tenant_id = tenant_id
        self._counts = counts
        self._settings = settings
        self._answer_timeout_seconds = answer_timeout_seconds
        self._codec = codec
        self._on_committed = on_committed
        self._is_contended = is_contended
        self._memory = Memory(settings.aggregates_remembered_max)
        self._settler = Settler(
            tenant_id,
            memory=self._memory,
            connect=connect,
            codec=codec,
            on_durable=self._conclude,
            on_unavailable=self._refuse_all,
            resolution_seconds=settings.commit_resolution_seconds,
        )
        self._queue: deque[Caller] = deque()
        self._room = Room(settings, whole_room)
        self._in_flight: deque[Flight] = deque()
        self._unsettled: deque[Flight] = deque()
        self._landed = asyncio.Event()
        """Set when nothing is in flight."""
        self._landed.set()
        self._connection: AppendConnection | None = None
        self._settling: asyncio.Task[None] | None = None
        self._due: asyncio.Handle | None = None
        """The next look at the queue."""
        self._lingers = False
        """Whether that look waits for company."""
        self._pace = Pace(settings.linger_seconds_max)
        self._unavailable = False
        self._stopping = False
        self._stopped = False
        self._watch: asyncio.TimerHandle | None = None
        self._last_landing = asyncio.get_running_loop().time()

    def submit(self, emission: Emission) -> asyncio.Future[bytes]:
        """Queues a request; its future gives the receipts, or the error with which it was refused.

        The receipts are framed and joined. A future that is cancelled while its request still waits
        withdraws it; later, that changes nothing. Raises as `enqueue`.
        """
        waiting = Waiting(emission, asyncio.get_running_loop().create_future())
        self.enqueue(waiting)
        return waiting.answer

    def enqueue(self, caller: Caller) -> None:
        """Queues a request for a caller, who will be told once.

        Raises at once as `require_room`.
        """
        size_bytes = caller.emission.size_bytes
        self.require_room(size_bytes)
        self._queue.append(caller)
        room = self._room
        room.put(size_bytes)
        has_company = room.requests >= _COMPANY_REQUESTS or room.size_bytes >= _COMPANY_BYTES
        if self._due is None:
            self._pump_in(0.0 if has_company else self._pace.linger_seconds())
        elif self._lingers and has_company:
            self._due.cancel()
            self._pump_in(0.0)

    def require_room(self, size_bytes: int, seconds_left: float | None = None) -> None:
        """Raises if a request of this size would be refused now, whatever is in it.

        `seconds_left`: until its caller has gone; None: it waits as long as it takes.

        OverloadedError: the queue is full by count or bytes, or longer than that;
        StorageUnavailableError: PostgreSQL is away; ServerDrainingError. To be asked before the
        request is decoded: what is refused must cost less than what is served, or refusing would
        take the time of serving.
        """
        if self._stopping:
            raise ServerDrainingError
        if self._unavailable:
            raise StorageUnavailableError
        self._room.require(size_bytes, moves=self._settling is None, seconds_left=seconds_left)

    def _pump_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._lingers = seconds > 0
        if self._lingers:
            self._due = loop.call_later(seconds, self._pump)
        else:
            # Not at once: requests that arrive in the same turn of the loop share a batch.
            self._due = loop.call_soon(self._pump)

    async def stop(self, grace_seconds: float) -> None:
        """Refuses new requests, lets those that wait finish, then refuses what is left."""
        self._stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        while self._has_work and loop.time() < deadline:  # noqa: ASYNC110  only at a stop
            await asyncio.sleep(_STOP_LOOK_SECONDS)
        self._stopped = True
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
        if self._watch is not None:
            self._watch.cancel()
        if self._connection is not None:
            self._connection.close("the server stops")
        self._refuse_all(ServerDrainingError())

    @property
    def idle_since(self) -> float | None:
        """The loop's time when its connection was last used; None if it has none, or uses it."""
        in_use = self._in_flight or self._settling
        is_open = self._connection is not None and self._connection.is_open
        return self._last_landing if is_open and not in_use else None

    @property
    def queued(self) -> tuple[int, int]:
        """How many requests wait to be sent, and their bytes."""
        return self._room.requests, self._room.size_bytes

    @property
    def batches_in_flight(self) -> int:
        """Sent, or being settled, and not answered."""
        return len(self._in_flight) + len(self._unsettled)

    @property
    def head(self) -> int:
        """The last position that PostgreSQL has confirmed here; 0 before the first append."""
        return self._memory.confirmed.head

    def release_connection(self) -> None:
        """Closes its connection, which must be idle; the next request opens another."""
        if self.idle_since is not None and self._connection is not None:
            self._connection.close("idle")

    @property
    def rests_since(self) -> float | None:
        """The loop's time since when it has had nothing to do; None if it has, or a connection."""
        is_open = self._connection is not None and self._connection.is_open
        return None if is_open or self._has_work else self._last_landing

    def forget(self) -> None:
        """Forgets what it has seen of its log. It must rest; the next request costs a look."""
        self._memory.refresh(None)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    @property
    def _has_work(self) -> bool:
        return bool(self._queue or self._in_flight or self._unsettled or self._settling)

    # The fast path.

    def _pump(self) -> None:
        """Judges and sends what waits, as far as the pipeline has room."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        while self._queue and self._settling is None and self._has_room:
            if self._connection is None or not self._connection.is_open:
                self._settle()
                return
            callers = self._take()
            if callers:
                self._send(Flight(callers, None), self._connection)

    @property
    def _has_room(self) -> bool:
        """Whether another batch may be sent behind those in flight."""
        if not self._in_flight:
            return True
        if self._is_contended():
            return False  # another tenant's turn, as soon as these have landed
        last = self._in_flight[-1].batch
        # A batch that appends nothing leaves the fence as it is: if it failed, the one behind it
        # would not, and would be judged before it.
        appends = last is not None and bool(last.rows.events)
        return appends and len(self._in_flight) < self._settings.pipeline_depth

    def _take(self) -> list[Caller]:
        """The next requests of the queue, in order, as many as a batch may hold, at least one."""
        callers: list[Caller] = []
        events = size = taken = taken_bytes = 0
        events_max, bytes_max = self._settings.batch_events_max, self._settings.batch_bytes_max
        while self._queue:
            waiting = self._queue[0]
            events += len(waiting.emission.events)
            size += waiting.emission.size_bytes
            if callers and (events > events_max or size > bytes_max):
                break
            self._queue.popleft()
            taken += 1
            taken_bytes += waiting.emission.size_bytes
            if not waiting.is_gone:  # else its caller has gone, and nothing has happened yet
                callers.append(waiting)
        self._room.take(taken, taken_bytes)
        return callers

    def _send(self, flight: Flight, connection: AppendConnection) -> None:
        memory = self._memory
        try:
            batch = judge(
                [caller.emission for caller in flight.callers],
                fence=memory.fence,
                last_record_time=memory.last_record_time,
                memory=memory,
                facts=None,
                codec=self._codec,
            )
            connection.append(batch.fence, batch.checks, batch.rows, self._on_answer)
        except Exception as error:
            # Nothing was sent: it is judged again, behind what is in flight. A defect of ours shows
            # itself there again, and is cut down to the request that provokes it.
            if not isinstance(error, LookFirst | ConnectionLost):
                log.exception("a batch could not be sent", tenant_id=self.tenant_id)
            self._unsettled.append(flight)
            self._settle()
            return
        flight.batch = batch
        flight.sent = time.monotonic()
        if not self._in_flight:
            self._last_landing = asyncio.get_running_loop().time()
        self._in_flight.append(flight)
        self._landed.clear()
        memory.update(batch.last_sequences)
        memory.fence = batch.next_fence
        memory.last_record_time = batch.rows.record_time

    def _on_answer(self, answer: Verdict | ConnectionLost | StatementFailed) -> None:
        flight = self._in_flight.popleft()
        self._last_landing = asyncio.get_running_loop().time()
        if not self._in_flight:
            self._landed.set()
        if answer is Verdict.APPENDED and flight.batch is not None:
            self._memory.confirmed = flight.batch.next_fence
            self._conclude(flight)
            self._after_landing(flight.batch)
            return
        if isinstance(answer, StatementFailed):
            log.warning("append failed", sqlstate=answer.sqlstate, message=answer.message)
        if flight.batch is not None:
            appends = bool(flight.batch.rows.events)
            flight.in_doubt = appends and isinstance(answer, ConnectionLost)
            self._memory.forget(flight.batch.last_sequences)
        # Answers come in order, and requests that were never sent are behind: insert before those.
        self._unsettled.insert(self._sent_and_failed(), flight)
        self._settle()

    def _after_landing(self, batch: Batch) -> None:
        before, now = batch.fence.head, batch.next_fence.head
        if self._connection is not None and any(before < size <= now for size in _REPLAN_AT_HEADS):
            with suppress(ConnectionLost):  # the next batch will find out
                self._connection.plan_anew()
        if not self._in_flight and self._is_contended():
            self.release_connection()
        if self._queue and self._due is None:
            self._pump()

    def _sent_and_failed(self) -> int:
        return sum(1 for flight in self._unsettled if flight.batch is not None)

    def _conclude(self, flight: Flight) -> None:
        """Hands the bytes of a durable batch on, and tells its callers."""
        committed = flight.committed
        if committed is not None:
            self._on_committed(self.tenant_id, committed)
        flight.conclude()
        if flight.batch is not None:
            seconds = time.monotonic() - flight.sent
            self._counts.note(flight.batch, seconds)
            if self._note_batch is not None:
                self._note_batch(self.tenant_id, flight.batch.rows.events, seconds)

    # The slow path.

    def _settle(self) -> None:
        if self._settling is None and not self._stopped:
            self._counts.settlings += 1
            self._settling = asyncio.get_running_loop().create_task(self._run_settling())

    async def _run_settling(self) -> None:
        await self._landed.wait()
        try:
            self._connection = await self._settler.settle(self._connection, self._unsettled)
        except Exception:
            # A defect of ours. Nobody may be left waiting for ever, and nothing is known any more.
            log.exception("settling failed", tenant_id=self.tenant_id)
            for flight in self._unsettled:
                flight.refuse(CommitUnknownError() if flight.in_doubt else InternalError())
            self._unsettled.clear()
            if self._connection is not None:
                self._connection.close("settling failed")
            self._memory.refresh(None)
        self._memory.fence = self._memory.confirmed
        self._unavailable = False
        self._settling = None
        self._last_landing = asyncio.get_running_loop().time()
        if self._watch is None:
            self._watch_later()
        self._pump()

    def _refuse_all(self, error: EverlogError) -> None:
        """PostgreSQL stays away, or the server stops: nobody is kept waiting."""
        self._unavailable = True
        flights = [*self._unsettled, *self._in_flight, Flight(list(self._queue), None)]
        self._queue.clear()
        self._room.clear()
        for flight in flights:
            flight.refuse(error)

    def _watch_later(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(_WATCH_INTERVAL_SECONDS, self._check_connection)

    def _check_connection(self) -> None:
        """Gives a connection up that does not answer, or that nobody has used for long."""
        self._watch = None
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        silent_seconds = asyncio.get_running_loop().time() - self._last_landing
        if self._in_flight and silent_seconds > self._answer_timeout_seconds:
            connection.close(f"no answer for {silent_seconds:.0f} s")
        if silent_seconds > _IDLE_CONNECTION_SECONDS and self.idle_since is not None:
            self.release_connection()
            self._memory.refresh(None)
        if connection.is_open:
            self._watch_later()
