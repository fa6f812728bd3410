"""States, listings and counts beneath the wire: small windows, days apart, other definitions."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from everlog.v1 import catalog_pb2
from everlog_server.aggregates import States
from everlog_server.aggregates import states as states_module
from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.storage import counts as counts_module
from everlog_server.storage import listings as listings_module
from everlog_server.storage import window
from everlog_server.storage.counts import Counts, Group
from everlog_server.storage.listings import Listings, Names, Stretch
from tests.factories import TENANT, House, new_event, open_house


async def test_a_defined_aggregate_type_is_reduced_by_its_newest_version(database_url: str) -> None:
    definitions: dict[tuple[int, str], tuple[int, bytes]] = {}

    async def definition_of(tenant_id: int, aggregate_type: str) -> tuple[int, bytes] | None:
        return definitions.get((tenant_id, aggregate_type))

    def counting(by: str) -> bytes:
        step = catalog_pb2.ReducerStep(operation=4, target="/n", constant=by)
        reduction = catalog_pb2.Reduction(event_types=["t.*"], steps=[step])
        return catalog_pb2.AggregateTypeDefinition(reductions=[reduction]).SerializeToString()

    async with open_house(database_url) as house:
        states = States(house.reader, definition_of)
        await house.emit(*[new_event("a/1", "t.x", json='{"m":1}') for _ in range(3)])
        for version, by, state in (
            (0, "", b'{"m":1}'),
            (1, "1", b'{"n":3}'),
            (2, "5", b'{"n":15}'),
        ):
            if by:
                definitions[TENANT, "a"] = (version, counting(by))
            then = await states.state(TENANT, AggregateKey("a", "1"))
            assert (then.state, then.version) == (state, version)


async def test_a_state_that_takes_too_long_is_refused(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states_module, "_STATE_SECONDS_MAX", 0.001)

    async def no_definition(_tenant_id: int, _aggregate_type: str) -> None:
        await asyncio.sleep(0.01)

    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        with pytest.raises(ReadTooExpensiveError, match="a/1 could not be told within"):
            await States(house.reader, no_definition).state(TENANT, AggregateKey("a", "1"))


async def _listed(
    house: House, names: Names, stretch: Stretch, limit: int, *, by_name: bool
) -> list[tuple[str, int]]:
    listings = Listings(house.database)
    found: list[tuple[str, int]] = []
    while True:
        if by_name:
            named = await listings.by_name(TENANT, names, stretch, limit=limit)
            page, following = named.aggregates, named.last is not None
            names = names.after(named.last) if named.last else names
        else:
            active = await listings.by_activity(TENANT, names, stretch, limit=limit)
            page, following = active.aggregates, active.end is not None
            stretch = stretch._replace(end=active.end or 0)
        found += [(str(one.aggregate), one.last_sequence) for one in page]
        if not following:
            return found


@pytest.mark.parametrize("few", [3, 1_000])
async def test_listings_agree_with_the_log_whatever_their_windows(
    database_url: str, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(listings_module, "_POSITIONS_FIRST", 4)
    monkeypatch.setattr(window, "_STATEMENT_SECONDS_GOAL", 0.0)
    monkeypatch.setattr(window, "_POSITIONS_MIN", 2)
    monkeypatch.setattr(listings_module, "_STEPS_MAX", few)
    rnd = random.Random(few)
    types = ["a", "a\x01", "ab", "b", "\u00e9", "\U0010ffff"]
    ids = ["1", "10", "1\x01", "2", "\ud7ff", "\ue000", "\U0010ffff", "\U0010ffff1"]
    async with open_house(database_url) as house:
        for _ in range(12):
            await house.emit(
                *[new_event(f"{rnd.choice(types)}/{rnd.choice(ids)}") for _ in range(10)]
            )
        log = await house.log()
        for head in (120, 77, 1):
            last = {
                f"{one.aggregate_type}/{one.aggregate_id}": one
                for one in log
                if one.position <= head
            }
            for aggregate_type, prefix in (
                ("", ""),
                ("a", ""),
                ("a", "1"),
                ("a", "\ud7ff"),
                ("\U0010ffff", "\U0010ffff"),
                ("\u00e9", "2"),
                ("x", ""),
            ):
                for after, end in ((0, head), (head // 2, head), (0, head // 2), (3, head // 3)):
                    meant = [
                        (name, one.sequence)
                        for name, one in sorted(last.items(), key=lambda item: -item[1].position)
                        if after < one.position <= end
                        and one.aggregate_type.startswith(aggregate_type)
                        and (not aggregate_type or one.aggregate_type == aggregate_type)
                        and one.aggregate_id.startswith(prefix)
                    ]
                    names, stretch = Names.of(aggregate_type, prefix), Stretch(after, end, head)
                    for limit in (1, 3, 1_000):
                        found = await _listed(house, names, stretch, limit, by_name=False)
                        assert found == meant
                        found = await _listed(house, names, stretch, limit, by_name=True)
                        assert found == sorted(meant, key=_name_order)


def _name_order(one: tuple[str, int]) -> tuple[bytes, bytes]:
    aggregate_type, _, aggregate_id = one[0].partition("/")
    return aggregate_type.encode(), aggregate_id.encode()


async def test_days_are_counted_as_events_were_recorded_on_them(database_url: str) -> None:
    """Recorded days apart, which no test waits for: the record times are set by hand."""
    async with open_house(database_url) as house:
        await house.emit(*[new_event(f"a/{n % 2}", actor=f"u{n % 2}") for n in range(9)])
        days = ["2026-01-01", "2026-01-01", "2026-01-01", "2026-01-02", *["2026-03-01"] * 5]
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("ALTER TABLE everlog.events DISABLE TRIGGER ALL")
            for position, day in enumerate(days, 1):
                time = f"{day} 23:59:59.999999+00" if position == 3 else f"{day} 00:00:00+00"
                if position in (1, 2):
                    time = f"{day} 0{position}:00:00+00"
                connection.execute(
                    "UPDATE everlog.events SET record_time = %s WHERE position = %s",
                    [time, position],
                )
        counts = Counts(house.database)

        async def by_day(through: int = 9, **fields: Any) -> list[tuple[str, int]]:
            counted = await counts.grouped(TENANT, EventFilter(**fields), through, Group.DAY)
            assert counted.total == sum(events for _, events in counted.groups)
            return counted.groups

        whole = [("2026-01-01", 3), ("2026-01-02", 1), ("2026-03-01", 5)]
        assert await by_day() == await by_day(aggregate_types=("a",)) == whole
        assert await by_day(7) == [*whole[:2], ("2026-03-01", 3)]
        assert await by_day(3) == whole[:1]
        assert await by_day(0) == []
        noon = microseconds("2026-01-01T12:00:00")
        assert await by_day(recorded_from=noon) == [("2026-01-01", 1), *whole[1:]]
        assert await by_day(recorded_before=noon) == [("2026-01-01", 2)]
        late = microseconds("2027-01-01T00:00:00")
        assert await by_day(recorded_from=late) == []
        assert await by_day(actor="u0") == [("2026-01-01", 2), ("2026-03-01", 3)]


def microseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


async def test_too_many_groups_are_cut_and_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts_module, "GROUPS_MAX", 2)
    async with open_house(database_url) as house:
        await house.emit(
            *[new_event("a/1", name, actor=name) for name in ("t.a", "t.b", "t.b", "t.c", "t.c")]
        )
        counts = Counts(house.database)
        for group in (Group.EVENT_TYPE, Group.ACTOR):
            counted = await counts.grouped(TENANT, EventFilter(), 5, group)
            assert counted == ([("t.b", 2), ("t.c", 2)], 5, True)
        monkeypatch.setattr(counts_module, "_GROUPS_COUNTED_MAX", 2)
        with pytest.raises(ReadTooExpensiveError, match="more than 2 groups"):
            await counts.grouped(TENANT, EventFilter(), 5, Group.ACTOR)
