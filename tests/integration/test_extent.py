"""A replay's bounds, by position, sequence and time, are looked up at once, of one snapshot."""

from __future__ import annotations

import pytest

from everlog_server.errors import CursorBeyondHeadError, LogDivergedError, TenantNotFoundError
from everlog_server.model import AggregateKey
from everlog_server.storage.reads import Extent, ExtentAsked
from tests.factories import TENANT, House, new_event, open_house

ONE, NOBODY = AggregateKey("a", "1"), AggregateKey("a", "9")


async def _extent(house: House, **asked: object) -> Extent:
    return await house.reader.extent(TENANT, ExtentAsked(**asked))  # type: ignore[arg-type]


async def test_an_empty_log_has_no_bounds(database_url: str) -> None:
    async with open_house(database_url) as house:
        assert await _extent(house) == Extent(0, None, None, None, None)
        asked = await _extent(house, aggregate=ONE, after_sequence=3, through_time=10**15)
        assert asked == Extent(0, None, None, 0, 0)
        with pytest.raises(TenantNotFoundError):
            await house.reader.extent(77, ExtentAsked())


async def test_sequences_and_times_become_positions(database_url: str) -> None:
    async with open_house(database_url) as house:
        receipts = [
            (await house.emit(new_event(f"a/{n % 2}")))[0] for n in range(6)
        ]  # a/1 has the positions 2, 4, 6
        assert (await _extent(house, aggregate=NOBODY)).last_sequence is None
        for sequence, position in ((0, 0), (1, 2), (2, 4), (3, 6), (4, 6), (99, 6)):
            found = await _extent(house, aggregate=ONE, after_sequence=sequence)
            assert (found.last_sequence, found.after, found.through) == (3, position, None)
            found = await _extent(house, aggregate=ONE, through_sequence=sequence)
            assert (found.last_sequence, found.after, found.through) == (3, None, position)
        for receipt in receipts:
            time = receipt.record_time
            before = [r.position for r in receipts if r.record_time < time]
            until = [r.position for r in receipts if r.record_time <= time]
            found = await _extent(house, from_time=time, through_time=time)
            assert (found.after, found.through) == (len(before), len(until))


async def test_a_cursor_is_compared_with_the_event_at_its_position(database_url: str) -> None:
    async with open_house(database_url) as house:
        first, second = await house.emit(new_event(), new_event())
        await house.reader.check_cursor(TENANT, 2, second.event_id)
        await house.reader.check_cursor(TENANT, 2, None)
        with pytest.raises(LogDivergedError):
            await house.reader.check_cursor(TENANT, 2, first.event_id)
        with pytest.raises(CursorBeyondHeadError):
            await house.reader.check_cursor(TENANT, 3, None)
