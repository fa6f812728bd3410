"""EmitStream: many Emits on one stream, without waiting for each answer.

    read ──▶ decode ──▶ submit ──▶ answer known ──▶ written
     └─ waits while too much lies between it and "written" ─┘

One task reads and submits, in the order of the stream; the handler itself writes, in one message
all that is known by then. gRPC would take some 6 MB more from a caller than is asked for, and a
caller may send without ever reading: so what lies between reading and writing is bounded here, by
number and by bytes.

Invariants:
- Every Emit that was read is answered once, also after the caller's half-close and on drain.
- A refused one never ends the stream. Only bytes that are no EmitStreamRequest do, after everything
  before them is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from everlog.v1 import event_store_pb2 as pb
from everlog_server.append import Outcome, Sequencer, Sequencers
from everlog_server.catalog.catalogs import Catalogs, Followed
from everlog_server.catalog.catalogue import Catalogue
from everlog_server.errors import EverlogError, ServerDrainingError
from everlog_server.model import Emission
from everlog_server.rpc.calls import OK
from everlog_server.rpc.codec import encode_answer, encode_refusal
from everlog_server.rpc.entry import Call, Context, call_of
from everlog_server.rpc.requests import parse
from everlog_server.rpc.status import code_of, status_of
from everlog_server.rpc.trace_context import TRACEPARENT, is_trace
from everlog_server.rpc.validation import decode_emission
from everlog_server.settings import LimitSettings
from everlog_server.storage.tenants import Tenants

_EMITS_MAX = 4_096
_BYTES_MAX = 8 * 1024 * 1024
# A message of answers is well below the 4 MiB that clients take by default.
_ANSWERS_BYTES_MAX = 1024 * 1024
_ANSWERED_WELL = (OK, "")
_METHOD = "everlog.v1.EventStoreService/EmitStream"

BeginSpan = Callable[[str, str], Callable[[str], None]]
"""Gets a method and a `traceparent`; what it returns ends the span, with why it was refused."""


class EmitStreams:
    """The handler."""

    def __init__(
        self,
        *,
        sequencers: Sequencers,
        tenants: Tenants,
        catalogs: Catalogs,
        limits: LimitSettings,
        drain: asyncio.Event,
        answered: dict[tuple[str, str], int],
        begin_span: BeginSpan | None = None,
    ) -> None:
        """`answered` counts the Emits that were answered, by code and reason.

        `begin_span`: None: nobody traces.
        """
        self._begin_span = begin_span
        self._answered = answered
        self._sequencers = sequencers
        self._tenants = tenants
        self._catalogs = catalogs
        self._limits = limits
        self._drain = drain

    async def EmitStream(self, messages: AsyncIterator[bytes], context: Context) -> None:
        """Answers every Emit that is read; ends with SERVER_DRAINING when the server stops."""
        call = call_of(context)
        tenant_id = await self._tenants.resolve(call.tenant)
        followed = self._catalogs.of(tenant_id)
        decode = partial(decode_emission, limits=self._limits, rights=call.rights)
        sequencer = self._sequencers.of(tenant_id)
        stream = _Stream(
            call, sequencer, followed, decode, self._answered, begin_span=self._begin_span
        )
        reading = asyncio.create_task(stream.read(messages))
        draining = asyncio.create_task(self._drain.wait())
        draining.add_done_callback(lambda _: reading.cancel())
        call.end_softly = reading.cancel
        try:
            async for answers in stream.answers():
                await context.write(answers)
        finally:
            stream.is_over = True
            reading.cancel()
            draining.cancel()
            await asyncio.gather(reading, draining, return_exceptions=True)
        if not reading.cancelled():
            reading.result()  # raises what ended it
        elif self._drain.is_set():
            raise ServerDrainingError("this server is shutting down; all that it read is answered")
        # Else the caller does not hold any more, which the guard says.


class _Waiting:
    """One Emit of a stream, until it is answered."""

    __slots__ = ("_is_answered", "_request_id", "_size", "_stream", "emission")

    def __init__(self, stream: _Stream, request_id: int, size: int, emission: Emission) -> None:
        self.emission = emission
        self._stream = stream
        self._request_id = request_id
        self._size = size
        self._is_answered = False

    @property
    def is_gone(self) -> bool:
        """Whether it was answered, or the stream is over."""
        return self._is_answered or self._stream.is_over

    def tell(self, outcome: Outcome) -> None:
        """Takes the answer, if there was none."""
        if not self._is_answered:
            self._is_answered = True
            self._stream.answer(self._request_id, outcome, self._size)


class _Traced(_Waiting):
    """One that is of a trace: its span ends with its answer.

    That of one whose caller has gone before is never told: nobody knows what became of it.
    """

    __slots__ = ("_end_span",)

    def __init__(
        self,
        stream: _Stream,
        request_id: int,
        size: int,
        emission: Emission,
        end_span: Callable[[str], None],
    ) -> None:
        super().__init__(stream, request_id, size, emission)
        self._end_span = end_span

    def tell(self, outcome: Outcome) -> None:
        """Takes the answer, if there was none."""
        if not self._is_answered:
            self._end_span("" if isinstance(outcome, bytes) else outcome.reason)
        super().tell(outcome)


class _Stream:
    """One stream: what was read and is not yet written."""

    def __init__(
        self,
        call: Call,
        sequencer: Sequencer,
        followed: Followed,
        decode: Callable[..., Emission],
        answered: dict[tuple[str, str], int],
        *,
        begin_span: BeginSpan | None,
    ) -> None:
        """`decode` gets an EmitRequest and the catalogue by name."""
        self._answered = answered
        self._begin_span = begin_span
        self._call = call
        self.is_over = False
        """Then what still waits in the queue need not be appended."""
        self._sequencer = sequencer
        self._followed = followed
        self._decode = decode
        self._waiting = 0
        self._known: deque[tuple[bytes, int]] = deque()
        """Answers to be written, each with the bytes that its Emit was counted with."""
        self._emits = 0
        self._bytes = 0
        self._has_ended = False
        self._changed = asyncio.Event()
        """Set when there is an answer, or the end."""
        self._room = asyncio.Event()
        """Set when something was written."""

    async def read(self, messages: AsyncIterator[bytes]) -> None:
        """Submits what comes, in order, until the caller's half-close, or until it is cancelled."""
        try:
            async for data in messages:
                await self._submit_all(parse(pb.EmitStreamRequest, data).emits, len(data))
        finally:
            self._has_ended = True
            self._changed.set()

    async def _submit_all(self, emits: Sequence[pb.StreamedEmit], size: int) -> None:
        share = size // len(emits) if emits else 0
        submitted = 0
        try:
            for emit in emits:
                while self._emits >= _EMITS_MAX or self._bytes >= _BYTES_MAX:
                    self._room.clear()
                    await self._room.wait()
                catalogue = self._followed.at_hand() or await self._catalogue()
                self._submit(emit, share, catalogue)
                submitted += 1
        except asyncio.CancelledError:
            # The rest is read too: it is answered.
            for emit in emits[submitted:]:
                self._count(1, share)
                self._answer(emit.request_id, ServerDrainingError(), share)
            raise

    async def answers(self) -> AsyncIterator[bytes]:
        """Messages for the caller, each with all answers that are known, until all are given."""
        while True:
            self._changed.clear()  # before the look: what comes after it wakes us
            while self._known:
                batch, emits, size = self._take()
                yield batch
                # Only now: what gRPC has not taken is still ours.
                self._count(-emits, -size)
                self._room.set()
            if self._has_ended and not self._waiting and not self._known:
                return
            await self._changed.wait()

    def answer(self, request_id: int, outcome: Outcome, size: int) -> None:
        """Notes the outcome of an Emit that waited."""
        self._waiting -= 1
        self._answer(request_id, outcome, size)

    async def _catalogue(self) -> Catalogue | EverlogError:
        """What to judge by; or why it can't be had."""
        try:
            return await self._followed.fresh()
        except EverlogError as error:
            return error

    def _submit(
        self, emit: pb.StreamedEmit, size: int, catalogue: Catalogue | EverlogError
    ) -> None:
        self._count(1, size)
        request_id = emit.request_id
        end_span = None if self._begin_span is None else self._span_of(emit.request)
        try:
            if isinstance(catalogue, EverlogError):
                raise catalogue
            # Before it is decoded: what is refused must cost less than what is served.
            self._sequencer.require_room(size)
            self._call.pace()
            self._call.pace_events(len(emit.request.events))
            emission = self._decode(emit.request, catalogue=catalogue)
            if end_span is None:
                waiting = _Waiting(self, request_id, size, emission)
            else:
                waiting = _Traced(self, request_id, size, emission, end_span)
            self._sequencer.enqueue(waiting)
        except Exception as error:  # whatever it is, it is this Emit's, not the stream's
            if end_span is not None:
                end_span(_reason_of(error))
            self._answer(request_id, error, size)
        else:
            self._waiting += 1

    def _span_of(self, request: pb.EmitRequest) -> Callable[[str], None] | None:
        """What ends the span of an Emit that is of a trace, as its first event says."""
        if self._begin_span is None or not request.events:
            return None
        traceparent = request.events[0].metadata.get(TRACEPARENT)
        return self._begin_span(_METHOD, traceparent) if is_trace(traceparent) else None

    def _count(self, emits: int, size: int) -> None:
        self._emits += emits
        self._bytes += size

    def _answer(self, request_id: int, outcome: bytes | Exception, size: int) -> None:
        if isinstance(outcome, bytes):
            self._known.append((encode_answer(request_id, outcome), size))
            self._answered[_ANSWERED_WELL] += 1
        else:
            status = status_of(outcome)
            self._known.append((encode_refusal(request_id, status), size))
            ending = (code_of(status).name, _reason_of(outcome))
            self._answered[ending] = self._answered.get(ending, 0) + 1
        self._changed.set()

    def _take(self) -> tuple[bytes, int, int]:
        """The next message, of at least one answer; how many they are, and their counted bytes."""
        pieces: list[bytes] = []
        length = counted = 0
        while self._known:
            piece, size = self._known[0]
            if pieces and length + len(piece) > _ANSWERS_BYTES_MAX:
                break
            self._known.popleft()
            pieces.append(piece)
            length += len(piece)
            counted += size
        return b"".join(pieces), len(pieces), counted


def _reason_of(error: Exception) -> str:
    return error.reason if isinstance(error, EverlogError) else "INTERNAL"
