"""What happens to requests that could not simply be appended: order, doubt, stopping, fairness."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog_server.append import Sequencer
from everlog_server.errors import (
    CommitUnknownError,
    KnownEventsError,
    SequenceConflictError,
    ServerDrainingError,
)
from everlog_server.settings import AppendSettings
from tests.factories import (
    TENANT,
    assert_gap_free,
    emission,
    exactly,
    new_event,
    open_house,
    parse_receipts,
)
from tests.locks import until_somebody_waits_for_a_lock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.factories import House

IDS = [f"01976a3c-8d2e-7cc0-a1b2-c3d4e5f6071{n}" for n in range(4)]


async def _held_lock(house: House) -> Callable[[], Awaitable[None]]:
    """Locks the tenant's log; returns how to let go."""
    connection = await house.database.connect_to_append(TENANT)
    await connection._pipeline.ask((b"begin", ()), (b"lock_head", (b"\x00\x00\x00\x01",)))

    async def let_go() -> None:
        await connection.give_up()
        connection.close("done")

    return let_go


def _sequencer(house: House) -> Sequencer:
    return house.sequencers.of(TENANT)


async def test_requests_are_judged_in_the_order_sent_also_when_the_first_only_refuses(
    database_url: str,
) -> None:
    """A batch without events leaves the fence as it is: nothing may pass it in the pipeline."""
    async with open_house(database_url) as house:
        for _ in range(3):
            await house.emit(new_event("x/1"))
        await house.emit(new_event("k/1", idempotency_key="known"))
        answers: list[asyncio.Future[object]] = []
        first = house.submit(emission(new_event("k/1", idempotency_key="known")))
        refused = house.submit(emission(new_event("x/1"), expect=[exactly("x/1", 4)]))
        await asyncio.sleep(0)  # these two are sent; the next goes into a batch of its own
        after = house.submit(emission(new_event("x/1")))
        answers += [first, refused, after]  # type: ignore[list-item]
        results = await asyncio.gather(*answers, return_exceptions=True)
        assert isinstance(results[1], SequenceConflictError)
        assert results[2][0].sequence == 4  # type: ignore[index]
        assert_gap_free(await house.log())


async def test_a_flight_in_doubt_is_not_mistaken_for_another_with_the_same_chosen_id(
    database_url: str,
) -> None:
    """Both carry the chosen id; only the first is stored: the second must not get its positions."""
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        let_go = await _held_lock(house)
        first = house.submit(emission(new_event("a/1", event_id=IDS[0]), new_event("a/1")))
        await until_somebody_waits_for_a_lock(database_url)
        second = house.submit(emission(new_event("a/1", event_id=IDS[0]), new_event("a/1")))
        await asyncio.sleep(0.05)
        connection = _sequencer(house)._connection
        assert connection is not None
        connection.close("cut")
        await let_go()
        answers = await asyncio.gather(first, second, return_exceptions=True)
        log = await house.log()
        assert_gap_free(log)
        places = {event.event_id.replace("-", ""): event.position for event in log}
        for answer in answers:
            if not isinstance(answer, BaseException):
                assert all(places.get(r.event_id.hex()) == r.position for r in answer)
        assert sum(isinstance(answer, KnownEventsError) for answer in answers) == 1


async def test_a_stop_tells_those_in_doubt_that_they_are_and_does_not_connect_again(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        let_go = await _held_lock(house)
        in_flight = house.submit(emission(new_event("a/1")))
        await until_somebody_waits_for_a_lock(database_url)
        sequencer = _sequencer(house)
        await sequencer.stop(0.1)
        with pytest.raises(CommitUnknownError):
            await in_flight
        await let_go()
        await asyncio.sleep(0.1)
        assert sequencer.idle_since is None
        assert sequencer._settling is None


def _age(house: House, seconds: float) -> None:
    """As if that time had passed without any request."""
    house.sequencers._looked -= seconds
    for sequencer in house.sequencers._alive.values():
        sequencer._last_landing -= seconds


async def test_a_tenant_to_which_nobody_writes_is_forgotten_and_found_again(
    database_url: str,
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        first = weakref.ref(_sequencer(house))

        def forgets(seconds: float) -> Sequencer | None:
            _age(house, seconds)
            house.sequencers.of(2)
            house.sequencers._kept.pop(2)
            gc.collect()
            return first()

        assert forgets(4000) is not None, "it has its connection still"
        _sequencer(house).release_connection()
        _sequencer(house)._last_landing = asyncio.get_running_loop().time()
        assert forgets(400) is not None
        assert len(_sequencer(house)._memory) == 0
        assert forgets(4000) is None
        assert house.sequencers.snapshot().heads == {}
        [receipt] = await house.emit(new_event("a/1"), expect=[exactly("a/1", 1)])
        assert receipt.sequence == 2


async def test_a_stream_keeps_the_only_sequencer_of_its_tenant(database_url: str) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        of_stream = _sequencer(house)
        of_stream.release_connection()
        _age(house, 4000)
        house.sequencers.of(2)
        assert TENANT not in house.sequencers._kept
        late = of_stream.submit(emission(new_event("a/1")))
        assert _sequencer(house) is of_stream
        await late
        of_stream.release_connection()
        _age(house, 4000)
        house.sequencers.of(3)
        assert TENANT not in house.sequencers._kept
        await house.sequencers.stop(1.0)
        with pytest.raises(ServerDrainingError):
            of_stream.submit(emission(new_event("a/1")))


async def test_a_busy_tenant_does_not_keep_another_from_appending(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO everlog.tenant_names (name, tenant_id) VALUES ('other', 2)")
        connection.execute("INSERT INTO everlog.tenants (tenant_id) VALUES (2)")
    settings = AppendSettings(connections_max=1)
    async with open_house(database_url, append=settings) as house:
        stop = asyncio.Event()

        async def keep_busy() -> int:
            n = 0
            while not stop.is_set():
                await asyncio.gather(*(house.emit(new_event(f"a/{i}")) for i in range(8)))
                n += 8
            return n

        busy = asyncio.create_task(keep_busy())
        await asyncio.sleep(0.2)
        other = house.sequencers.of(2)
        async with asyncio.timeout(60):
            for n in range(10):
                (receipt,) = parse_receipts(await other.submit(emission(new_event("b/1"))))
                assert receipt.position == n + 1
        stop.set()
        assert await busy > 0
        assert_gap_free(await house.log())


async def test_a_quiet_time_does_not_count_as_silence_of_postgres(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(database_url) as house:
        await house.emit(new_event("a/1"))
        sequencer = _sequencer(house)
        monkeypatch.setattr(sequencer, "_answer_timeout_seconds", 0.8)
        await asyncio.sleep(1.0)
        let_go = await _held_lock(house)
        waiting = house.submit(emission(new_event("a/1")))
        await asyncio.sleep(0.05)
        sequencer._check_connection()
        connection = sequencer._connection
        assert connection is not None
        assert connection.is_open
        await asyncio.sleep(0.9)
        sequencer._check_connection()
        assert not connection.is_open
        await let_go()
        (receipt,) = await waiting
        assert receipt.position == 2


async def test_statements_planned_for_an_empty_table_are_planned_anew(database_url: str) -> None:
    """Planned on an empty table, a look-up by id may take any index by its tenant alone."""
    async with open_house(database_url) as house:
        for batch in range(6):
            await house.emit(
                *(
                    new_event(f"a/{n}", event_id=f"01976a3c-8d2e-7cc0-a1b2-{batch:06x}{n:06x}")
                    for n in range(500)
                )
            )
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(
            "SELECT idx_scan, idx_tup_read FROM pg_stat_user_indexes"
            " WHERE indexrelname = 'events_event_type_idx'"
        ).fetchone()
    assert row is not None
    scans, read = row
    # Two batches at the most walk another index; all six would read 3,750,000 entries.
    assert read < 1_000_000, (scans, read)
