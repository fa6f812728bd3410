"""Judging: which of the waiting requests are appended, where, and why the others are refused.

Requests are judged in the order in which they arrived, each on its own, also against those before
it in the same batch. Judging touches nothing but memory: what it can't know it assumes, and lists
in `Checks` for PostgreSQL to confirm in the same round trip. If a refusal would rest on an
assumption, LookFirst is raised instead: nobody is refused on a guess.

Invariants: positions and sequences follow the heads without a gap; a refused request leaves no
trace in the batch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, Protocol

from everlog_server.append.memory import Memory
from everlog_server.errors import (
    AggregateNotFoundError,
    EventDamagedError,
    EventIdReusedError,
    EverlogError,
    IdempotencyKeyReusedError,
    KnownEvent,
    KnownEventsError,
    SequenceConflictError,
    Violation,
)
from everlog_server.model import (
    AggregateKey,
    Emission,
    Expectation,
    ExpectationKind,
    NewEvent,
    StoredEvent,
    uuid_text,
)
from everlog_server.storage.appends import AppendedRows, Checks, Facts, Fence
from everlog_server.storage.damage import are_whole


class FrameEvents(Protocol):
    """Makes the bytes of events that follow each other in the log."""

    def __call__(
        self,
        events: Sequence[NewEvent],
        event_ids: Sequence[bytes],
        sequences: Sequence[int],
        *,
        first_position: int,
        record_time: int,
    ) -> tuple[list[bytes], list[bytes]]:
        """The framed records, and the framed receipts."""


class Codec(NamedTuple):
    """What only the RPC layer knows: how events and receipts are written."""

    frame_events: FrameEvents
    frame_known_receipt: Callable[[StoredEvent], bytes]
    fingerprint_of_record: Callable[[bytes], bytes]


Outcome = bytes | EverlogError
"""The framed receipts of a request's events, joined; or why it is refused."""


class LookFirst(Exception):
    """A request can't be judged from memory: it takes a look under the lock."""


@dataclass(slots=True)
class Batch:
    """Requests judged together: what is appended for them, and what each is told once it is."""

    fence: Fence
    rows: AppendedRows
    checks: Checks = field(default_factory=Checks)
    outcomes: list[Outcome] = field(default_factory=list)
    last_sequences: dict[AggregateKey, int] = field(default_factory=dict)
    """Of the aggregates that the batch writes: as they will be."""
    refusals: list[EverlogError] = field(default_factory=list)
    """Those among the outcomes."""
    deduplicated: int = 0
    """Events that were known before, and are answered with their first receipts."""

    @property
    def next_fence(self) -> Fence:
        """The state of the log once this batch is appended."""
        ids = self.rows.event_ids
        return Fence(self.fence.head + len(ids), ids[-1], self.fence.epoch) if ids else self.fence


def judge(
    emissions: list[Emission],
    *,
    fence: Fence,
    last_record_time: int,
    memory: Memory,
    facts: Facts | None,
    codec: Codec,
) -> Batch:
    """Judges requests against a state of the log.

    With `facts` (looked up under the lock) nothing is assumed: what is not in them does not exist.
    Raises LookFirst only without them.
    """
    record_time = max(time.time_ns() // 1000, last_record_time)
    rows = AppendedRows(record_time)
    batch = Batch(fence, rows)
    new_ids = new_event_ids(record_time, sum([len(emission.events) for emission in emissions]))
    judgement = _Judgement(batch, memory, facts, codec, new_ids)
    accepted: list[_Accepted | EverlogError] = []
    for emission in emissions:
        try:
            accepted.append(judgement.accept(emission))
        except EverlogError as refusal:
            accepted.append(refusal)
            batch.refusals.append(refusal)
    rows.records, receipts = codec.frame_events(
        rows.events,
        rows.event_ids,
        rows.sequences,
        first_position=fence.head + 1,
        record_time=record_time,
    )
    batch.outcomes = [
        one if isinstance(one, EverlogError) else _receipts_of(one, receipts, codec)
        for one in accepted
    ]
    if facts is None:
        batch.checks.keys = judgement.keys_to_check
        batch.checks.event_ids = judgement.ids_to_check
    return batch


_Accepted = slice | list[int | StoredEvent]
"""A request's events: the rows that they become; or one by one, rows and events known before."""


def _receipts_of(accepted: _Accepted, receipts: list[bytes], codec: Codec) -> bytes:
    if isinstance(accepted, slice):
        return b"".join(receipts[accepted])
    return b"".join(
        [
            receipts[one] if isinstance(one, int) else codec.frame_known_receipt(one)
            for one in accepted
        ]
    )


class _Judgement:
    """The state of judging one batch."""

    def __init__(
        self,
        batch: Batch,
        memory: Memory,
        facts: Facts | None,
        codec: Codec,
        new_ids: list[bytes],
    ) -> None:
        """`new_ids` are by row."""
        self._batch = batch
        self._memory = memory
        self._facts = facts
        self._codec = codec
        self._by_key: dict[str, StoredEvent] = dict(facts.by_key) if facts else {}
        self._by_id: dict[bytes, StoredEvent] = dict(facts.by_id) if facts else {}
        self._new_ids = new_ids
        self.keys_to_check: list[str] = []
        self.ids_to_check: list[bytes] = []

    def accept(self, emission: Emission) -> _Accepted:
        """Puts a request's events into the batch; raises the reason for which it is refused."""
        known = self._known_events(emission) if emission.identified else None
        if known:
            if len(known) == len(emission.events):
                self._batch.deduplicated += len(known)
                return [known[index] for index in range(len(known))]
            if not emission.skip_known:
                raise _partly_known(emission, known)
        if emission.refusal is not None and not emission.refusal.indexes.issubset(known or ()):
            if self._facts is None:
                raise LookFirst  # what it is refused for may be known already
            raise emission.refusal.error.again()
        if emission.expectations:
            self._require(emission.expectations)
        if emission.unstarted:
            self._require_started(emission.unstarted)
        first = len(self._batch.rows.events)
        if not known:
            self._append(emission.events)
            return slice(first, len(self._batch.rows.events))
        self._batch.deduplicated += len(known)
        self._append([e for index, e in enumerate(emission.events) if index not in known])
        rows = count(first)
        return [
            known[index] if index in known else next(rows) for index in range(len(emission.events))
        ]

    def _known_events(self, emission: Emission) -> dict[int, StoredEvent]:
        """The request's events that the log has, by index; raises if their content is other."""
        known: dict[int, StoredEvent] = {}
        for index, event in enumerate(emission.events):
            key, event_id = event.idempotency_key, event.event_id
            if key is not None:
                self.keys_to_check.append(key)
                stored = self._by_key.get(key)
                if stored is not None:
                    if not self._is_same(stored, event, emission):
                        raise _key_reused(index, key, stored, emission)
                    known[index] = stored
                    continue
            if event_id is not None:
                self.ids_to_check.append(event_id)
                stored = self._by_id.get(event_id)
                if stored is not None:
                    is_same = self._is_same(stored, event, emission)
                    if not is_same or stored.idempotency_key != key:
                        raise EventIdReusedError(
                            f"event id {uuid_text(event_id)} was used for other content",
                            (KnownEvent(index, key or "", uuid_text(event_id)),),
                        )
                    known[index] = stored
        return known

    def _require(self, expectations: tuple[Expectation, ...]) -> None:
        violations = tuple(
            Violation(expectation, actual)
            for expectation in expectations
            if not expectation.holds(actual := self._last_sequence(expectation))
        )
        if not violations:
            return
        if any(v.expectation.aggregate in self._batch.checks.assumed for v in violations):
            raise LookFirst
        raise SequenceConflictError(violations)

    def _require_started(self, aggregates: tuple[AggregateKey, ...]) -> None:
        for aggregate in aggregates:
            last = self._known_sequence(aggregate)
            # Zero is remembered of none: without facts, it is an assumption.
            if not last and self._facts is None:
                raise LookFirst
            if not last:
                raise AggregateNotFoundError(
                    aggregate, hint=": an event type that starts it must come first"
                )

    def _last_sequence(self, expectation: Expectation) -> int:
        aggregate, kind, sequence = expectation
        known = self._known_sequence(aggregate)
        if known is not None:
            return known
        if kind is ExpectationKind.TO_EXIST:
            raise LookFirst
        return self._batch.checks.assumed.setdefault(aggregate, sequence)

    def _known_sequence(self, aggregate: AggregateKey) -> int | None:
        last = self._batch.last_sequences.get(aggregate)
        if last is not None:
            return last
        if self._facts is not None:
            return self._facts.last_sequences[aggregate]
        assumed = self._batch.checks.assumed.get(aggregate)
        return assumed if assumed is not None else self._memory.get(aggregate)

    def _append(self, events: Sequence[NewEvent]) -> None:
        batch, rows = self._batch, self._batch.rows
        last_sequences = batch.last_sequences
        row = len(rows.events)
        for event in events:
            aggregate = event.aggregate
            last = last_sequences.get(aggregate)
            if last is None:
                last = self._known_sequence(aggregate)
                if last is None:
                    if not self._memory.strangers_are_new:
                        raise LookFirst
                    last = batch.checks.assumed[aggregate] = 0
            sequence = last_sequences[aggregate] = last + 1
            event_id = event.event_id or self._new_ids[row]
            rows.sequences.append(sequence)
            rows.event_ids.append(event_id)
            if event.fingerprint is not None:
                self._remember(event, event_id, batch.fence.head + row + 1, sequence)
            row += 1
        rows.events += events

    def _remember(self, event: NewEvent, event_id: bytes, position: int, sequence: int) -> None:
        """So that later requests of the batch meet this event as if it were stored already."""
        key = event.idempotency_key
        stored = StoredEvent(
            event_id,
            event.fingerprint,
            position,
            sequence,
            self._batch.rows.record_time,
            event.documentable,
            key,
            None,
            event.user_id,
        )
        self._by_id[event_id] = stored
        if key is not None:
            self._by_key[key] = stored

    def _is_same(self, stored: StoredEvent, event: NewEvent, emission: Emission) -> bool:
        """Whether an event is the stored one, sent again by who may know of it.

        Content says so much of types and aggregate that these are the caller's, if the event's are;
        it does not say whose user's it is.
        """
        if emission.is_own_only and stored.user_id != event.user_id:
            return False
        if stored.record is not None and not are_whole(stored.record, 1):
            if emission.is_limited:
                return False  # nothing tells any more whether it may know of it
            raise EventDamagedError(stored.position, uuid_text(stored.event_id))
        return self._fingerprint_of(stored) == event.fingerprint

    def _fingerprint_of(self, stored: StoredEvent) -> bytes | None:
        if stored.record is not None:
            return self._codec.fingerprint_of_record(stored.record)
        return stored.fingerprint


def _key_reused(
    index: int, key: str, stored: StoredEvent, emission: Emission
) -> IdempotencyKeyReusedError:
    message = f"idempotency key {key!r} was used for other content"
    if emission.is_limited:
        return IdempotencyKeyReusedError(message, (KnownEvent(index, key, ""),))
    event_id = uuid_text(stored.event_id)
    return IdempotencyKeyReusedError(
        f"{message} by event {event_id}", (KnownEvent(index, key, event_id),)
    )


def _partly_known(emission: Emission, known: dict[int, StoredEvent]) -> KnownEventsError:
    return KnownEventsError(
        f"{len(known)} of {len(emission.events)} events are known already, the first at index"
        f" {min(known)}: emit the others alone, or say known_events = SKIP",
        tuple(
            KnownEvent(
                index,
                emission.events[index].idempotency_key or "",
                uuid_text(stored.event_id),
            )
            for index, stored in sorted(known.items())
        ),
    )


def new_event_ids(record_time: int, number: int) -> list[bytes]:
    """So many UUIDs of version 7, in rising order; record_time in microseconds since 1970.

    Milliseconds, 26 random bits, and a counter of 48 bits that begins anywhere in its lower half:
    "monotonic random" of RFC 9562, section 6.2. Neighbours in the log are neighbours in the index.
    """
    random = int.from_bytes(os.urandom(10), "big")
    shared = (
        (record_time // 1000).to_bytes(6, "big")
        + (0x7000 | random & 0xFFF).to_bytes(2, "big")
        + (0x8000 | random >> 12 & 0x3FFF).to_bytes(2, "big")
    )
    first = random >> 26 & 0x7FFF_FFFF_FFFF
    return [shared + value.to_bytes(6, "big") for value in range(first, first + number)]
