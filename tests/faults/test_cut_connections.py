"""The connection to PostgreSQL is cut at a random moment of the append: every verdict is true."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from everlog_server.errors import CommitUnknownError, StorageUnavailableError
from everlog_server.settings import AppendSettings
from tests.factories import assert_gap_free, exactly, new_event, open_house
from tests.faults.proxy import proxied

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="el") as folder:
        yield Path(folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cuts", [40, pytest.param(300, marks=pytest.mark.slow)])
async def test_a_connection_cut_at_random_moments_gives_only_true_verdicts(
    database_url: str, short_folder: Path, cuts: int
) -> None:
    """Who has a receipt finds its event there; who was refused does not; none is there twice."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  to run it again
    dice = random.Random(seed)
    receipts: dict[str, tuple[int, int]] = {}
    refused: set[str] = set()
    unknown: set[str] = set()
    async with proxied(database_url, short_folder) as (proxy, url), open_house(url) as house:

        async def emit(mark: str, aggregate: str) -> None:
            try:
                (receipt,) = await house.emit(new_event(aggregate, json=f'{{"mark": "{mark}"}}'))
            except CommitUnknownError:
                unknown.add(mark)
            except StorageUnavailableError:
                refused.add(mark)
            else:
                receipts[mark] = (receipt.position, receipt.sequence)

        for round_ in range(cuts):
            emits = [
                asyncio.create_task(emit(f"{round_}-{n}", f"a/{dice.randrange(4)}"))
                for n in range(dice.randrange(1, 6))
            ]
            await asyncio.sleep(dice.uniform(0, 0.004))
            more = asyncio.create_task(emit(f"{round_}-late", "late/1"))
            await asyncio.sleep(dice.uniform(0, 0.001))
            proxy.cut()
            await asyncio.gather(*emits, more)
    assert proxy.cuts >= cuts

    async with open_house(database_url) as house:
        log = await house.log()
    assert_gap_free(log)
    stored = {event.json.split('"')[3]: (event.position, event.sequence) for event in log}
    assert [mark for mark, n in Counter(event.json for event in log).items() if n > 1] == []
    assert {mark: stored.get(mark) for mark in receipts} == receipts
    assert not refused & stored.keys()
    assert stored.keys() <= receipts.keys() | unknown
    # Cuts that PostgreSQL survives are resolved: nobody is left in doubt, and few are refused.
    assert not unknown
    assert len(receipts) > cuts


async def test_a_commit_that_can_not_be_resolved_is_told_as_unknown(
    database_url: str, short_folder: Path
) -> None:
    settings = replace(AppendSettings(), commit_resolution_seconds=0.2)
    async with (
        proxied(database_url, short_folder) as (proxy, url),
        open_house(url, append=settings) as house,
        open_house(database_url) as witness,
    ):
        await house.emit(new_event("a/1"))
        # PostgreSQL gets the batch, and can't answer: the lock is held by somebody else.
        holder = await witness.database.connect_to_append(1)
        await holder._pipeline.ask((b"begin", ()), (b"lock_head", (b"\x00\x00\x00\x01",)))
        in_doubt = asyncio.create_task(house.emit(new_event("a/1", idempotency_key="k")))
        await asyncio.sleep(0.1)
        proxy.closed = True
        proxy.cut()
        with pytest.raises(CommitUnknownError):
            await in_doubt
        with pytest.raises(StorageUnavailableError):
            await house.emit(new_event("a/1"))

        await holder.give_up()
        holder.close("done")
        proxy.closed = False
        async with asyncio.timeout(10):
            while True:
                try:
                    (receipt,) = await house.emit(new_event("a/1", idempotency_key="k"))
                    break
                except StorageUnavailableError:
                    await asyncio.sleep(0.05)
        # "Safe to retry with idempotency keys": there is one event, whichever attempt got in.
        log = await witness.log()
        assert [e.idempotency_key for e in log] == ["", "k"]
        assert receipt.position == 2
        with pytest.raises(Exception, match="expected 1"):
            await house.emit(new_event("a/1"), expect=[exactly("a/1", 1)])
