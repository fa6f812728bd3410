"""What the sequencer asks of PostgreSQL: append, look before appending, resolve a lost commit.

Source of the fence: design of this store, docs/adr/0001; the SQL is in
migrations/0001_event_log.sql.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from everlog_server.errors import TenantNotFoundError
from everlog_server.measures import Buckets
from everlog_server.model import AggregateKey, NewEvent, StoredEvent
from everlog_server.storage import binary
from everlog_server.storage.pipeline import (
    Answer,
    ConnectionLost,
    Pipeline,
    Row,
    Rows,
    Statement,
    StatementFailed,
)
from everlog_server.storage.sql import load

__all__ = [
    "AppendConnection",
    "Checks",
    "ConnectionLost",
    "Facts",
    "Fence",
    "Rows",
    "StatementFailed",
    "Verdict",
]

_STATEMENTS = {name.encode(): sql for name, sql in load("appends.sql").items()}
_LINK_KIND = "related"
_CATCH_UP_EVENTS_MAX = 5_000
"""How many events of others are read to keep what is remembered; beyond it, it is forgotten."""


class Verdict(Enum):
    """What PostgreSQL says of a batch. Unless APPENDED, nothing has changed."""

    APPENDED = "appended"
    STALE = "stale"
    KNOWN = "known"
    MOVED = "moved"


class Fence(NamedTuple):
    """A state of a tenant's log: an append that names it succeeds only if it is still so."""

    head: int
    event_id: bytes | None
    epoch: int


@dataclass(slots=True)
class Checks:
    """What PostgreSQL must confirm before it appends."""

    keys: list[str] = field(default_factory=list)
    event_ids: list[bytes] = field(default_factory=list)
    assumed: dict[AggregateKey, int] = field(default_factory=dict)


@dataclass(slots=True)
class AppendedRows:
    """A batch in the order of the log: parallel lists, one element an event."""

    record_time: int
    events: list[NewEvent] = field(default_factory=list)
    event_ids: list[bytes] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """What a look under the lock found: true until the transaction ends."""

    fence: Fence
    last_record_time: int
    by_key: dict[str, StoredEvent]
    by_id: dict[bytes, StoredEvent]
    last_sequences: dict[AggregateKey, int]
    appended_by_others: dict[AggregateKey, int] | None
    """Last sequences that others appended since the remembered fence; None: too many to tell."""
    is_frozen: bool = False
    """Whether the tenant takes no events."""


class AppendConnection:
    """One connection that appends to one tenant's log."""

    def __init__(self, pipeline: Pipeline, tenant_id: int) -> None:
        self._pipeline = pipeline
        self._tenant = binary.int4(tenant_id)

    @classmethod
    async def connect(
        cls, conninfo: str, tenant_id: int, *, answer_seconds: float, round_trips: Buckets
    ) -> AppendConnection:
        """Raises ConnectionLost when PostgreSQL can't be reached within the connect timeout."""
        pipeline = await Pipeline.connect(
            conninfo, _STATEMENTS, answer_seconds=answer_seconds, round_trips=round_trips
        )
        return cls(pipeline, tenant_id)

    @property
    def is_open(self) -> bool:
        """Whether anything can still be sent."""
        return self._pipeline.is_open

    def close(self, reason: str) -> None:
        """Ends the connection. What is in flight is answered with ConnectionLost."""
        self._pipeline.close(reason)

    def append(
        self,
        fence: Fence,
        checks: Checks,
        rows: AppendedRows,
        on_answer: Callable[[Verdict | ConnectionLost | StatementFailed], None],
    ) -> None:
        """Sends a batch. The next, with the fence that it will leave, need not wait for it."""

        def answer(result: Answer) -> None:
            on_answer(result if isinstance(result, Exception) else _verdict(result[0]))

        self._pipeline.send(self._append(fence, checks, rows), on_answer=answer)

    async def look_and_lock(
        self,
        remembered: Fence,
        keys: list[str],
        event_ids: list[bytes],
        aggregates: list[AggregateKey],
    ) -> Facts:
        """Opens a transaction, locks the log, and looks. `append_locked` or `give_up` must follow.

        The lock: the tenant's row, against every other append to the tenant; released with the
        transaction, or by PostgreSQL's `idle_in_transaction_session_timeout` should we hang.
        Raises TenantNotFoundError when the tenant is dropped.
        """
        tenant = self._tenant
        _, head, by_key, by_id, sequences, others = await self._pipeline.ask(
            (b"begin", ()),
            (b"lock_head", (tenant,)),
            (b"known_by_key", (tenant, binary.text_array(keys))),
            (b"known_by_id", (tenant, binary.uuid_array(event_ids))),
            (b"last_sequences", (tenant, *_names(aggregates))),
            (
                b"appended_since",
                (
                    tenant,
                    binary.int8(remembered.head),
                    remembered.event_id,
                    binary.int8(_CATCH_UP_EVENTS_MAX),
                ),
            ),
        )
        if not head:
            raise TenantNotFoundError("the tenant is dropped")
        position, event_id, epoch, record_time, is_frozen = head[0]
        fence = Fence(_int8(position), event_id, _int8(epoch))
        missed = fence.head - remembered.head
        readable = fence[:2] == remembered[:2] or (others and 0 < missed <= _CATCH_UP_EVENTS_MAX)
        return Facts(
            fence=fence,
            last_record_time=binary.read_timestamptz(_present(record_time)),
            by_key={_present(row[0]).decode(): _stored(row) for row in by_key},
            by_id={_present(row[1]): _stored(row) for row in by_id},
            last_sequences={
                aggregate: _int8(row[0])
                for aggregate, row in zip(aggregates, sequences, strict=True)
            },
            appended_by_others={
                AggregateKey(_present(kind).decode(), _present(name).decode()): _int8(sequence)
                for kind, name, sequence in others
            }
            if readable
            else None,
            is_frozen=is_frozen == b"\x01",
        )

    async def append_locked(self, fence: Fence, rows: AppendedRows) -> Verdict:
        """Appends under the lock that `look_and_lock` took, and commits."""
        verdict, _ = await self._pipeline.ask(self._append(fence, Checks(), rows), (b"commit", ()))
        return _verdict(verdict)

    async def give_up(self) -> None:
        """Ends the transaction without a trace."""
        await self._pipeline.ask((b"rollback", ()))

    async def shut_out_earlier_appends(self) -> None:
        """After this, no append that was sent before on another connection can still commit."""
        await self._pipeline.ask((b"raise_epoch", (self._tenant,)))

    async def is_stored(self, fence: Fence, rows: AppendedRows) -> bool:
        """Whether the log has this batch, which was judged by this fence, where it was to stand.

        Positions and times as well as ids: an id that a caller has chosen may be elsewhere by now,
        by another request.
        """
        first, last = fence.head + 1, fence.head + len(rows.event_ids)
        (found,) = await self._pipeline.ask(
            (b"stored_at", (self._tenant, binary.int8(first), binary.int8(last)))
        )
        record_time = binary.timestamptz(rows.record_time)
        return found == [(event_id, record_time) for event_id in rows.event_ids]

    def plan_anew(self) -> None:
        """Has PostgreSQL plan its statements anew, when they are next used.

        They were planned for the table as it was: empty, perhaps, and then any index is as good.
        """
        self._pipeline.send((b"discard_plans", ()), on_answer=lambda _: None)

    def when_closed(self, notify: Callable[[], None]) -> None:
        """`notify` is called once, when the connection has ended, whoever ended it."""
        self._pipeline.when_lost(notify)

    def _append(self, fence: Fence, checks: Checks, rows: AppendedRows) -> Statement:
        record_time = rows.record_time
        (
            aggregates, event_types, _, idempotency_keys, fingerprints, occurred_times,
            documentables, sources, correlation_ids, causation_ids, actors, user_ids,
            data, metadata, intents, contexts, related_event_ids, _,
        ) = zip(*rows.events, strict=True) if rows.events else _NO_COLUMNS  # fmt: skip
        links = _links(rows.event_ids, related_event_ids) if any(related_event_ids) else []
        return (
            b"append",
            (
                self._tenant,
                binary.int8(fence.epoch),
                binary.int8(fence.head),
                fence.event_id,
                binary.text_array(checks.keys) if checks.keys else None,
                binary.uuid_array(checks.event_ids) if checks.event_ids else None,
                *(
                    (*_names(checks.assumed), binary.int8_array(list(checks.assumed.values())))
                    if checks.assumed
                    else (None, None, None)
                ),
                binary.timestamptz(record_time),
                *_names(aggregates),
                binary.int8_array(rows.sequences),
                binary.uuid_array(rows.event_ids),
                binary.repeated_text_array(event_types),
                binary.optional_timestamptz_array(occurred_times),
                binary.boolean_array(documentables) if any(documentables) else None,
                binary.optional_text_array(sources),
                binary.optional_text_array(correlation_ids),
                binary.optional_uuid_array(causation_ids),
                binary.optional_text_array(actors),
                binary.optional_text_array(user_ids),
                binary.optional_text_array(idempotency_keys),
                binary.optional_bytea_array(fingerprints),
                binary.optional_jsonb_array(data),
                binary.optional_jsonb_array(metadata),
                binary.optional_jsonb_array(intents),
                binary.optional_jsonb_array(contexts),
                binary.bytea_array(rows.records),
                *(
                    (
                        binary.uuid_array([event_id for event_id, _ in links]),
                        binary.uuid_array([related for _, related in links]),
                        binary.repeated_text_array([_LINK_KIND] * len(links)),
                    )
                    if links
                    else (None, None, None)
                ),
            ),
        )


_NO_COLUMNS: tuple[tuple[Any, ...], ...] = ((),) * len(NewEvent._fields)


def _links(
    event_ids: Sequence[bytes], related_event_ids: Sequence[tuple[bytes, ...]]
) -> list[tuple[bytes, bytes]]:
    return [
        (event_id, related)
        for event_id, all_related in zip(event_ids, related_event_ids, strict=True)
        for related in dict.fromkeys(all_related)
    ]


def _names(aggregates: Iterable[AggregateKey]) -> tuple[bytes, bytes]:
    keys = list(aggregates)
    return (
        binary.repeated_text_array([aggregate_type for aggregate_type, _ in keys]),
        binary.text_array([aggregate_id for _, aggregate_id in keys]),
    )


def _verdict(rows: Rows) -> Verdict:
    return Verdict(_present(rows[0][0]).decode())


def _stored(row: Row) -> StoredEvent:
    key, event_id, fingerprint, position, sequence, record_time, documentable, record, user_id = row
    return StoredEvent(
        _present(event_id),
        fingerprint,
        _int8(position),
        _int8(sequence),
        binary.read_timestamptz(_present(record_time)),
        documentable == b"\x01",
        key.decode() if key is not None else None,
        record,
        user_id.decode() if user_id is not None else None,
    )


def _int8(value: bytes | None) -> int:
    return binary.read_int8(_present(value))


def _present(value: bytes | None) -> bytes:
    """The value of a column that can't be null."""
    if value is None:
        raise TypeError("PostgreSQL answered null where the schema forbids it")
    return value
