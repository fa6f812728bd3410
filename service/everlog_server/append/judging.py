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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from everlog_server.append.memory import Memory
from everlog_server.errors import (
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
    Receipt,
    uuid_text,
)
from everlog_server.storage.appends import AppendedRows, Checks, Facts, Fence, StoredEvent

FrameRecord = Callable[[NewEvent, bytes, int, int, int], bytes]
"""(event, event id, position, sequence, record time) → the framed wire record."""

Outcome = tuple[Receipt, ...] | EverlogError


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
    frame_record: FrameRecord,
) -> Batch:
    """Judges requests against a state of the log.

    With `facts` (looked up under the lock) nothing is assumed: what is not in them does not exist.
    Raises LookFirst only without them.
    """
    record_time = max(time.time_ns() // 1000, last_record_time)
    batch = Batch(fence, AppendedRows(record_time))
    judgement = _Judgement(batch, memory, facts, frame_record)
    for emission in emissions:
        try:
            batch.outcomes.append(judgement.accept(emission))
        except EverlogError as refusal:
            batch.outcomes.append(refusal)
    if facts is None:
        batch.checks.keys = judgement.keys_to_check
        batch.checks.event_ids = judgement.ids_to_check
    return batch


class _Judgement:
    """The state of judging one batch."""

    def __init__(
        self, batch: Batch, memory: Memory, facts: Facts | None, frame_record: FrameRecord
    ) -> None:
        self._batch = batch
        self._memory = memory
        self._facts = facts
        self._frame_record = frame_record
        self._by_key: dict[str, StoredEvent] = dict(facts.by_key) if facts else {}
        self._by_id: dict[bytes, StoredEvent] = dict(facts.by_id) if facts else {}
        self._new_ids = new_event_ids(batch.rows.record_time)
        self.keys_to_check: list[str] = []
        self.ids_to_check: list[bytes] = []

    def accept(self, emission: Emission) -> tuple[Receipt, ...]:
        """Puts a request's events into the batch; raises the reason for which it is refused."""
        known = self._known_events(emission)
        if known and len(known) == len(emission.events):
            return tuple(_known_receipt(known[index]) for index in range(len(known)))
        if known and not emission.skip_known:
            raise _partly_known(emission, known)
        if emission.expectations:
            self._require(emission.expectations)
        return tuple(
            _known_receipt(known[index]) if index in known else self._append(event)
            for index, event in enumerate(emission.events)
        )

    def _known_events(self, emission: Emission) -> dict[int, StoredEvent]:
        """The request's events that the log has, by index; raises if their content is other."""
        known: dict[int, StoredEvent] = {}
        for index, event in enumerate(emission.events):
            key, event_id = event.idempotency_key, event.event_id
            if key is not None:
                self.keys_to_check.append(key)
                stored = self._by_key.get(key)
                if stored is not None:
                    if stored.fingerprint != event.fingerprint:
                        raise IdempotencyKeyReusedError(
                            f"idempotency key {key!r} was used for other content"
                            f" by event {uuid_text(stored.event_id)}",
                            (KnownEvent(index, key, uuid_text(stored.event_id)),),
                        )
                    known[index] = stored
                    continue
            if event_id is not None:
                self.ids_to_check.append(event_id)
                stored = self._by_id.get(event_id)
                if stored is not None:
                    if stored.fingerprint != event.fingerprint or stored.idempotency_key != key:
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

    def _append(self, event: NewEvent) -> Receipt:
        batch, rows = self._batch, self._batch.rows
        aggregate = event.aggregate
        last = self._known_sequence(aggregate)
        if last is None:
            if not self._memory.strangers_are_new:
                raise LookFirst
            last = batch.checks.assumed[aggregate] = 0
        sequence = batch.last_sequences[aggregate] = last + 1
        event_id = event.event_id or next(self._new_ids)
        position = batch.fence.head + len(rows.events) + 1
        record_time = rows.record_time
        rows.events.append(event)
        rows.event_ids.append(event_id)
        rows.sequences.append(sequence)
        rows.records.append(self._frame_record(event, event_id, position, sequence, record_time))
        receipt = Receipt(event_id, position, sequence, record_time, False, event.documentable)
        if event.idempotency_key is not None or event.event_id is not None:
            self._remember(event, event_id, receipt)
        return receipt

    def _remember(self, event: NewEvent, event_id: bytes, receipt: Receipt) -> None:
        """So that later requests of the batch meet this event as if it were stored already."""
        key = event.idempotency_key
        stored = StoredEvent(
            event_id,
            event.fingerprint,
            receipt.position,
            receipt.sequence,
            receipt.record_time,
            event.documentable,
            key,
        )
        self._by_id[event_id] = stored
        if key is not None:
            self._by_key[key] = stored


def _known_receipt(stored: StoredEvent) -> Receipt:
    return Receipt(
        stored.event_id,
        stored.position,
        stored.sequence,
        stored.record_time,
        True,
        stored.documentable,
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


def new_event_ids(record_time: int) -> Iterator[bytes]:
    """UUIDs of version 7 (RFC 9562): milliseconds, a 12-bit counter, 62 random bits."""
    milliseconds = (record_time // 1000).to_bytes(6, "big")
    counter = 0
    while True:
        random = os.urandom(8 * _IDS_AT_ONCE)
        for start in range(0, len(random), 8):
            yield (
                milliseconds
                + (0x7000 | counter & 0xFFF).to_bytes(2, "big")
                + _VARIANT[random[start]]
                + random[start + 1 : start + 8]
            )
            counter += 1


_IDS_AT_ONCE = 32
_VARIANT = [bytes([0x80 | byte & 0x3F]) for byte in range(256)]
