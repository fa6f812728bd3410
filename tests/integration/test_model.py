"""Random histories against a model: a list of events, judged by forty lines of plain Python.

Hypothesis drives Emit with random batches, expectations, keys and chosen ids, from two processes
that know nothing of each other, and compares every receipt and every refusal; then Query, Replay
and Subscribe must all tell the model's list.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from everlog_server.errors import (
    EventIdReusedError,
    EverlogError,
    IdempotencyKeyReusedError,
    KnownEventsError,
    SequenceConflictError,
)
from everlog_server.model import AggregateKey, EventFilter
from tests.factories import House, Receipts, emission, exactly, exists, is_new, new_event, parse

if TYPE_CHECKING:
    from everlog.v1 import event_pb2
    from everlog_server.model import Emission

AGGREGATES = ["a/1", "a/2", "b/1", "c/1"]
TYPES = ["order.created", "order.paid", "user.seen"]
KEYS = [f"k{n}" for n in range(6)]
IDS = [str(uuid.UUID(int=n)) for n in range(1, 5)]
_tenants = count(1000)


@dataclass(frozen=True)
class Sent:
    """One event as the test sends it."""

    aggregate: str
    event_type: str
    content: int
    key: str | None
    event_id: str | None

    def event(self) -> Any:
        fields: dict[str, Any] = {"json": f'{{"n": {self.content}}}'}
        if self.key:
            fields["idempotency_key"] = self.key
        if self.event_id:
            fields["event_id"] = self.event_id
        return new_event(self.aggregate, self.event_type, **fields)

    def same_content(self, other: Sent) -> bool:
        return (self.aggregate, self.event_type, self.content) == (
            other.aggregate, other.event_type, other.content,
        )  # fmt: skip


@dataclass
class Model:
    """The log as it should be: what was sent, in order; an event's position is its place."""

    log: list[Sent] = field(default_factory=list)

    def last_sequence(self, aggregate: str) -> int:
        return sum(sent.aggregate == aggregate for sent in self.log)

    def known(self, sent: Sent) -> int | type[EverlogError] | None:
        """The place of the event that this one repeats, or why it can't be sent."""
        for place, stored in enumerate(self.log):
            if sent.key and stored.key == sent.key:
                return place if stored.same_content(sent) else IdempotencyKeyReusedError
        for place, stored in enumerate(self.log):
            if sent.event_id and stored.event_id == sent.event_id:
                same = stored.same_content(sent) and stored.key == sent.key
                return place if same else EventIdReusedError
        return None

    def emit(
        self, batch: list[Sent], expected: list[tuple[str, int | bool]], skip_known: bool
    ) -> list[tuple[int, int, bool]] | type[EverlogError]:
        """(position, sequence, deduplicated) of each event, or why the request is refused."""
        known = [self.known(sent) for sent in batch]
        for verdict in known:
            if isinstance(verdict, type):
                return verdict
        places = [place for place in known if isinstance(place, int)]
        if places and len(places) < len(batch) and not skip_known:
            return KnownEventsError
        if len(places) < len(batch) and not all(self._holds(*e) for e in expected):
            return SequenceConflictError
        receipts = []
        for sent, place in zip(batch, known, strict=True):
            if place is None:
                self.log.append(sent)
                place = len(self.log) - 1  # noqa: PLW2901  its place, now that it has one
                receipts.append((place + 1, self.last_sequence(sent.aggregate), False))
            else:
                assert isinstance(place, int)
                receipts.append((place + 1, self._sequence_at(place), True))
        return receipts

    def _sequence_at(self, place: int) -> int:
        stored = self.log[place]
        return sum(sent.aggregate == stored.aggregate for sent in self.log[: place + 1])

    def _holds(self, aggregate: str, expected: int | bool) -> bool:
        last = self.last_sequence(aggregate)
        return (last > 0) == expected if isinstance(expected, bool) else last == expected


def _requests() -> st.SearchStrategy[tuple[list[Sent], list[tuple[str, int | bool]], bool]]:
    def batch(keyed: bool, identified: bool) -> st.SearchStrategy[list[Sent]]:
        one = st.builds(
            Sent,
            aggregate=st.sampled_from(AGGREGATES),
            event_type=st.sampled_from(TYPES),
            content=st.integers(0, 1),
            key=st.sampled_from(KEYS) if keyed else st.none(),
            event_id=st.none() | st.sampled_from(IDS) if identified else st.none(),
        )
        return st.lists(one, min_size=1, max_size=5).filter(_names_are_distinct)

    batches = st.tuples(st.booleans(), st.sampled_from([True, False, False])).flatmap(
        lambda flags: batch(*flags)
    )
    expectations = st.dictionaries(
        st.sampled_from(AGGREGATES), st.integers(0, 6) | st.booleans(), max_size=2
    ).map(lambda expected: list(expected.items()))
    return st.tuples(batches, st.just([]) | expectations, st.booleans())


def _names_are_distinct(batch: list[Sent]) -> bool:
    """Within one request a key or a chosen id may stand only once: validation refuses the rest."""
    keys = [sent.key for sent in batch if sent.key]
    ids = [sent.event_id for sent in batch if sent.event_id]
    return len(keys) == len(set(keys)) and len(ids) == len(set(ids))


def _emission(
    batch: list[Sent], expected: list[tuple[str, int | bool]], skip_known: bool
) -> Emission:
    expectations = [
        exactly(aggregate, want)
        if not isinstance(want, bool)
        else (exists if want else is_new)(aggregate)
        for aggregate, want in expected
    ]
    return emission(*(s.event() for s in batch), expect=expectations, skip_known=skip_known)


class LogMachine(RuleBasedStateMachine):
    """Drives two houses on one fresh tenant, and the model beside them."""

    database_url: str
    loop: asyncio.AbstractEventLoop
    houses: list[House]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.tenant = next(_tenants)
        with psycopg.connect(self.database_url) as connection:
            connection.execute(
                "INSERT INTO everlog.tenant_names (name, tenant_id) VALUES (%s, %s)",
                [f"t{self.tenant}", self.tenant],
            )
            connection.execute("INSERT INTO everlog.tenants (tenant_id) VALUES (%s)", [self.tenant])

    @rule(request=_requests(), process=st.integers(0, 1))
    def emit(
        self, request: tuple[list[Sent], list[tuple[str, int | bool]], bool], process: int
    ) -> None:
        self._emit_all([request], process)

    @rule(requests=st.lists(_requests(), min_size=2, max_size=6), process=st.integers(0, 1))
    def emit_at_once(
        self, requests: list[tuple[list[Sent], list[tuple[str, int | bool]], bool]], process: int
    ) -> None:
        """Requests of one batch are judged in order, each also against those before it."""
        self._emit_all(requests, process)

    def _emit_all(self, requests: list[Any], process: int) -> None:
        async def submit_all() -> list[Any]:
            sequencer = self.houses[process].sequencers.of(self.tenant)
            answers = [Receipts(sequencer.submit(_emission(*one))) for one in requests]
            return await asyncio.gather(*answers, return_exceptions=True)

        for request, answer in zip(
            requests, self.loop.run_until_complete(submit_all()), strict=True
        ):
            expected = self.model.emit(*request)
            if isinstance(expected, type):
                assert type(answer) is expected, (request, answer, expected)
            else:
                assert not isinstance(answer, Exception), (request, answer, expected)
                assert [(r.position, r.sequence, r.deduplicated) for r in answer] == expected

    @precondition(lambda self: self.model.log)
    @rule(
        data=st.data(),
        newest_first=st.booleans(),
        limit=st.integers(1, 7),
    )
    def query(self, data: st.DataObject, newest_first: bool, limit: int) -> None:
        event_filter, test = data.draw(self._filters())
        places = [n for n, sent in enumerate(self.model.log, 1) if test(sent)]

        async def pages() -> list[int]:
            reader = self.houses[0].reader
            found: list[int] = []
            cursor, is_last = None, False
            while not is_last:
                page = await reader.query(
                    self.tenant, event_filter, newest_first=newest_first,
                    cursor=cursor, through=len(self.model.log), limit=limit,
                )  # fmt: skip
                assert len(parse(page.records)) == page.events <= limit
                found += [event.position for event in parse(page.records)]
                cursor, is_last = page.examined_position, page.is_last
            assert await reader.count(self.tenant, event_filter, len(self.model.log)) == len(found)
            return found

        assert self.loop.run_until_complete(pages()) == places[:: -1 if newest_first else 1]

    @precondition(lambda self: self.model.log)
    @rule(data=st.data(), backwards=st.booleans())
    def replay(self, data: st.DataObject, backwards: bool) -> None:
        event_filter, test = data.draw(self._filters())
        after = data.draw(st.integers(0, len(self.model.log)))
        through = data.draw(st.integers(after, len(self.model.log)))
        places = [n for n, s in enumerate(self.model.log, 1) if test(s) and after < n <= through]

        async def read() -> list[int]:
            batches = self.houses[1].reader.replay(
                self.tenant, event_filter, after=after, through=through, backwards=backwards
            )
            return [e.position async for batch in batches for e in parse(batch.records)]

        assert self.loop.run_until_complete(read()) == places[:: -1 if backwards else 1]

    @precondition(lambda self: self.model.log)
    @rule(data=st.data(), process=st.integers(0, 1))
    def subscribe(self, data: st.DataObject, process: int) -> None:
        event_filter, test = data.draw(self._filters())
        after = data.draw(st.integers(0, len(self.model.log)))
        places = [n for n, sent in enumerate(self.model.log, 1) if test(sent) and n > after]

        async def catch_up() -> list[int]:
            found: list[int] = []
            async with self.houses[process].subscriptions.subscribe(
                self.tenant, event_filter, after=after, heartbeat_seconds=10
            ) as messages:
                async for message in messages:
                    found += [event.position for event in parse(message.records)]
                    if message.caught_up:
                        assert message.examined_position == len(self.model.log)
                        return found
            raise AssertionError("ended by itself")

        assert self.loop.run_until_complete(catch_up()) == places

    @invariant()
    def the_log_is_the_models(self) -> None:
        async def read() -> list[event_pb2.RecordedEvent]:
            reader = self.houses[0].reader
            head = await reader.head(self.tenant)
            batches = reader.replay(self.tenant, EventFilter(), after=0, through=head.position)
            return [event async for batch in batches for event in parse(batch.records)]

        log = self.loop.run_until_complete(read())
        assert [event.position for event in log] == list(range(1, len(self.model.log) + 1))
        for event, sent in zip(log, self.model.log, strict=True):
            assert f"{event.aggregate_type}/{event.aggregate_id}" == sent.aggregate
            assert (event.event_type, event.idempotency_key) == (sent.event_type, sent.key or "")
            assert event.json == f'{{"n": {sent.content}}}'

    @staticmethod
    def _filters() -> st.SearchStrategy[Any]:
        return st.sampled_from(
            [
                (EventFilter(), lambda _: True),
                (
                    EventFilter(aggregate=AggregateKey("a", "1")),
                    lambda sent: sent.aggregate == "a/1",
                ),
                (
                    EventFilter(event_types=("order.paid", "user.seen")),
                    lambda sent: sent.event_type in ("order.paid", "user.seen"),
                ),
                (
                    EventFilter(event_type_prefixes=("order.",), aggregate_types=("a", "c")),
                    lambda s: s.event_type.startswith("order.") and s.aggregate[0] in "ac",
                ),
                (EventFilter(data_contains='{"n": 1}'), lambda sent: sent.content == 1),
                (EventFilter(keywords=("pai",)), lambda sent: sent.event_type == "order.paid"),
            ]
        )


@pytest.mark.parametrize(
    "examples", [15, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_random_histories_agree_with_the_model(database_url: str, examples: int) -> None:
    loop = asyncio.new_event_loop()
    houses = []

    async def build() -> list[House]:
        opened = [House(database_url), House(database_url)]
        for house in opened:
            await house.database.open()
        return opened

    async def close() -> None:
        for house in houses:
            house.subscriptions.drain()
            await house.sequencers.stop(1)
            await house.database.close()

    houses = loop.run_until_complete(build())
    machine = type(
        "Machine", (LogMachine,), {"database_url": database_url, "loop": loop, "houses": houses}
    )
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        loop.run_until_complete(close())
        loop.close()
