"""Every field of a filter means the same in SQL (Query, Replay, catch-up) and in memory (live)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import pytest_asyncio

from everlog.v1.filter_pb2 import EventFilter as FilterMessage
from everlog_server.model import AggregateKey, EventFilter
from everlog_server.rpc.filters import decode_filter
from everlog_server.settings import LimitSettings
from everlog_server.storage import history, window
from tests.conftest import new_database
from tests.factories import TENANT, new_event, open_house, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.factories import House

CAUSE = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"
CAUSE_BYTES = bytes.fromhex(CAUSE.replace("-", ""))
DAY = 86_400_000_000


def _time(days: int) -> dict[str, int]:
    return {"seconds": days * 86_400}


# fmt: off
EVENTS: list[dict[str, Any]] = [
    {"aggregate": "order/1", "event_type": "order.created",
     "json": '{"note": "Grüße ÉCOLE", "n": 1}'},
    {"aggregate": "order/1", "event_type": "order.paid",
     "json": '{"tags": ["red", {"deep": "Green-ish"}]}'},
    {"aggregate": "order/2", "event_type": "order.created", "source": "shop", "actor": "user:ann"},
    {"aggregate": "user/1", "event_type": "user.seen", "user_id": "u1", "correlation_id": "c1"},
    {"aggregate": "user/1", "event_type": "orders.merged", "causation_id": CAUSE},
    {"aggregate": "user/2", "event_type": "epic_started", "documentable": True},
    {"aggregate": "user/2", "event_type": "user.seen",
     "metadata": {"env": "prod", "ip": "10.0.0.1"}},
    {"aggregate": "user/3", "event_type": "user.seen", "metadata": {"env": "test"}},
    {"aggregate": "old/1", "event_type": "old.thing", "occurred_time": _time(10)},
    {"aggregate": "old/1", "event_type": "old.thing", "occurred_time": _time(20)},
    {"aggregate": "file/a.b", "event_type": "x.y", "json": '"just text, École"'},
    {"aggregate": "file/c", "event_type": "x.y", "json": '{"red": 1, "école": [1, 2.0]}'},
    {"aggregate": "file/d", "event_type": "x.y",
     "json": '{"s": "line\\nbreak \\"quoted\\" tab\\tend"}'},
]
# fmt: on

# Each filter, and the indexes of the events that it means.
CASES: list[tuple[EventFilter, list[int]]] = [
    (EventFilter(), list(range(len(EVENTS)))),
    (EventFilter(aggregate_types=("order",)), [0, 1, 2]),
    (EventFilter(aggregate_types=("file", "order")), [0, 1, 2, 10, 11, 12]),
    (EventFilter(aggregate=AggregateKey("user", "1")), [3, 4]),
    (EventFilter(aggregate=AggregateKey("user", "1"), event_types=("user.seen",)), [3]),
    (EventFilter(event_types=("order.created",)), [0, 2]),
    (EventFilter(event_types=("order.created", "user.seen")), [0, 2, 3, 6, 7]),
    (EventFilter(event_type_prefixes=("order.",)), [0, 1, 2]),  # and not orders.merged
    (EventFilter(event_type_prefixes=("none.",)), []),
    (EventFilter(event_types=("epic_started",), event_type_prefixes=("old.",)), [5, 8, 9]),
    (EventFilter(event_types=("user.seen",), aggregate_types=("order",)), []),
    (EventFilter(sources=("shop", "nobody")), [2]),
    (EventFilter(correlation_id="c1"), [3]),
    (EventFilter(causation_id=CAUSE_BYTES), [4]),
    (EventFilter(actor="user:ann"), [2]),
    (EventFilter(user_id="u1"), [3]),
    (EventFilter(documentable_only=True), [5]),
    (EventFilter(occurred_from=10 * DAY, occurred_before=20 * DAY), [8]),
    (EventFilter(occurred_before=20 * DAY + 1), [8, 9]),
    (EventFilter(occurred_from=20 * DAY + 1), [n for n in range(len(EVENTS)) if n not in (8, 9)]),
    (EventFilter(metadata='{"env":"prod"}'), [6]),
    (EventFilter(metadata='{"env":"prod","ip":"10.0.0.2"}'), []),
    (EventFilter(data_contains='{"n": 1.0}'), [0]),
    (EventFilter(data_contains='{"tags": ["red"]}'), [1]),
    (EventFilter(data_contains='{"école": [2]}'), [11]),
    (EventFilter(keywords=("école",)), [0, 10]),  # a key is not searched
    (EventFilter(keywords=("cole",)), []),  # É is a letter, whatever the database's own collation
    (EventFilter(keywords=("red",)), [1]),
    (EventFilter(keywords=("re",)), [1]),  # the beginning of a word
    (EventFilter(keywords=("ed",)), []),  # and not its end
    (EventFilter(keywords=("green", "ish", "red")), [1]),
    (EventFilter(keywords=("started",)), [5]),
    (EventFilter(keywords=("break",)), [12]),
    (EventFilter(keywords=("end",)), [12]),
    (EventFilter(keywords=("prod",)), [6]),
    (EventFilter(keywords=("env",)), []),
    (EventFilter(keywords=("created",), sources=("shop",)), [2]),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(
    postgres: EmbeddedPostgres, template_database: str
) -> AsyncIterator[tuple[House, list[list[int]]]]:
    """A house with the events in its log, and what was received live of each case's filter."""
    with new_database(postgres, template=template_database) as url:
        async with open_house(url) as house:
            subscribed = [asyncio.Event() for _ in CASES]
            live = [
                asyncio.create_task(
                    _positions_until_caught_up_and(house, event_filter, len(EVENTS), follows)
                )
                for (event_filter, _), follows in zip(CASES, subscribed, strict=True)
            ]
            for follows in subscribed:
                await follows.wait()
            for fields in EVENTS:
                await house.emit(new_event(**fields))
            await house.emit(new_event("end/1", "end"))
            yield house, await asyncio.gather(*live)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", range(len(CASES)))
async def test_a_filter_means_the_same_to_query_replay_and_subscribe(
    told: tuple[House, list[list[int]]], case: int
) -> None:
    (event_filter, expected), (house, live) = CASES[case], told
    head = (await house.reader.head(TENANT)).position - 1
    expected_positions = [index + 1 for index in expected]

    page = await house.reader.query(
        TENANT, event_filter, newest_first=True, cursor=None, through=head, limit=100
    )
    assert [e.position for e in parse(page.records)] == expected_positions[::-1]
    assert page.is_last
    assert await house.reader.count(TENANT, event_filter, head) == len(expected)
    for backwards in (False, True):
        batches = house.reader.replay(
            TENANT, event_filter, after=0, through=head, backwards=backwards
        )
        found = [e.position async for b in batches for e in parse(b.records)]
        assert found == expected_positions[:: -1 if backwards else 1]
    caught_up = await _positions_until_caught_up_and(house, event_filter, len(EVENTS))
    assert caught_up == expected_positions
    assert live[case] == expected_positions


async def _positions_until_caught_up_and(
    house: House, event_filter: EventFilter, position: int, follows: asyncio.Event | None = None
) -> list[int]:
    """What a subscriber from the start receives of the events up to a position.

    `follows` is set with the first message: what happens then is received live.
    """
    found: list[int] = []
    async with house.subscriptions.subscribe(
        TENANT, event_filter, after=0, heartbeat_seconds=0.05
    ) as messages:
        async for message in messages:
            if follows is not None:
                follows.set()
            found += [e.position for e in parse(message.records) if e.position <= position]
            if message.examined_position >= position:
                return found
    raise AssertionError("ended by itself")


async def test_record_times_bound_a_stretch_exactly(database_url: str) -> None:
    async with open_house(database_url) as house:
        receipts = [(await house.emit(new_event(f"a/{n}")))[0] for n in range(20)]
        for n in (0, 7, 19):
            at = receipts[n].record_time
            assert await house.reader.position_before(TENANT, at) <= n
            from_here = await house.log(EventFilter(recorded_from=at))
            before = await house.log(EventFilter(recorded_before=at))
            assert [e.position for e in before + from_here] == list(range(1, 21))
            assert all(e.record_time.ToMicroseconds() >= at for e in from_here)
            assert all(e.record_time.ToMicroseconds() < at for e in before)
        assert await house.reader.position_before(TENANT, 0) == 0
        assert await house.reader.position_before(TENANT, receipts[-1].record_time + 1) == 20


async def test_an_aggregates_history_is_bounded_by_positions_of_the_log(database_url: str) -> None:
    async with open_house(database_url) as house:
        for n in range(60):
            await house.emit(new_event(f"a/{n % 3}"))
        mine = EventFilter(aggregate=AggregateKey("a", "1"))
        for after, through in ((0, 60), (5, 5), (4, 5), (5, 30), (59, 60), (0, 1), (58, 60)):
            batches = house.reader.replay(TENANT, mine, after=after, through=through)
            found = [e.position async for b in batches for e in parse(b.records)]
            assert found == [p for p in range(1, 61) if p % 3 == 2 and after < p <= through]


async def test_a_search_that_finds_little_hands_back_what_it_has_and_where_it_stands(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "_POSITIONS_FIRST", 10)
    monkeypatch.setattr(history, "_QUERY_SECONDS_MAX", 0.0)
    async with open_house(database_url) as house:
        for n in range(100):
            await house.emit(new_event(f"a/{n}", json=f'{{"n": {n}}}'))
        event_filter = EventFilter(data_contains='{"n": 42}')
        cursor, pages, found = None, 0, []
        while True:
            page = await house.reader.query(
                TENANT, event_filter, newest_first=True, cursor=cursor, through=100, limit=10
            )
            pages += 1
            found += [e.position for e in parse(page.records)]
            cursor = page.examined_position
            if page.is_last:
                break
        assert found == [43]
        assert pages > 2


async def test_followers_with_an_equal_filter_that_needs_the_database_share_its_answers(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event())
        asked = 0
        catch_up = house.reader.catch_up

        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal asked
            asked += 1
            return catch_up(*args, **kwargs)

        monkeypatch.setattr(house.reader, "catch_up", counted)
        event_filter = EventFilter(data_contains='{"n": 1}')
        followers = [
            asyncio.create_task(
                house.follow(lambda events: len(events) == 5, after=1, event_filter=event_filter)
            )
            for _ in range(20)
        ]
        await asyncio.sleep(0.2)
        for _ in range(5):
            await house.emit(new_event(json='{"n": 2}'), new_event(json='{"n": 1}'))
            await asyncio.sleep(0.05)
        for received in await asyncio.gather(*followers):
            assert [event.position for event in received] == [3, 5, 7, 9, 11]
        assert asked < 20


# What stands in an event, what is sought, and whether it is found.
WORDS = [
    *(
        (word, word, True)
        for word in ("ΟΔΟΣ", "İstanbul", "हिन्दी", "Straße", "x²", "ⓐbc", "ไทย", "ǅ")
    ),
    ("ΟΔΟΣ", "οδοσ", True),
    ("οδοσ", "ΟΔΟΣ", True),
    ("ΟΔΟΣ", "οδος", False),  # a final sigma is a letter of its own, never made from a capital
    ("İstanbul", "istanbul", True),
    ("istanbul", "İSTANBUL", True),
    ("straße", "STRAẞE", True),
    ("straße", "STRASSE", False),  # one letter never becomes two
    ("STRASSE", "strasse", True),
    ("हिन्दी", "हि", True),  # the beginning of a word
    ("école", "E\u0301COLE", False),  # composed and decomposed are not the same letters
]


async def test_a_keyword_finds_its_own_text_in_every_script(database_url: str) -> None:
    async with open_house(database_url) as house:
        for number, (text, keyword, is_found) in enumerate(WORDS):
            await house.emit(new_event(f"k/{number}", json=f'{{"t": "before {text}, after"}}'))
            wanted = decode_filter(FilterMessage(keyword=keyword), LimitSettings())
            assert len(wanted.keywords) == 1, keyword
            found = {event.aggregate_id for event in await house.log(wanted)}
            assert (str(number) in found) == is_found, (text, keyword)


def test_what_postgresql_calls_a_letter_or_digit_belongs_to_a_word(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            """
            SELECT chr(n) FROM generate_series(128, 1114111) AS n
            WHERE n NOT BETWEEN 55296 AND 57343
                AND (chr(n) COLLATE everlog.words) ~ '[[:alnum:]]'
            """
        ).fetchall()
    letters = [row[0] for row in rows]
    assert len(letters) > 100_000
    pieces = [letters[n : n + 50] for n in range(0, len(letters), 50)]
    split = [
        "".join(piece)
        for piece in pieces
        if len(decode_filter(FilterMessage(keyword="".join(piece)), LimitSettings()).keywords) != 1
    ]
    assert split == []
