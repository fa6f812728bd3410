"""Projectors of more projections than they look at in a second: all are held, changes are noticed.

Their rows are made by hand, without schemas: nothing is to be done of them. Each has a tenant of
its own.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from everlog_server.projections import Projector
from everlog_server.settings import StorageSettings
from everlog_server.storage.database import Database
from everlog_server.storage.projecting import CLAIMED_MAX, PAGE_MAX, ProjectingStore
from tests.projections import WAIT_SECONDS, fold, projections_at, sums
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from everlog_server.projections.figures import Figures

_COUNT = 20 * PAGE_MAX
_NOTICED_SECONDS = 5.0
"""Far less than it takes to come by all of them, a page a second."""
_FILL = """
    CREATE TEMPORARY TABLE n ON COMMIT DROP AS
    SELECT 1000 + n AS id FROM generate_series(1, {count}) AS n;
    INSERT INTO everlog.tenant_names (name, tenant_id) SELECT 'tenant-' || id, id FROM n;
    INSERT INTO everlog.tenants (tenant_id) SELECT id FROM n;
    INSERT INTO everlog.projection_leases (tenant_id, name) SELECT id, 'p' FROM n;
    INSERT INTO everlog.projections (
        tenant_id, name, definition, on_failure, attempts_max, initial_seconds, multiplier,
        max_seconds, jitter
    )
    SELECT id, 'p', '', 1, 1, 1, 1, 1, 0 FROM n;
    INSERT INTO everlog.projection_builds (
        tenant_id, name, build, schema_name, wanted_schema_name, structure
    )
    SELECT id, 'p', 1, 'none_' || id, 'none_' || id, '' FROM n;
"""
_SHARES = """
    SELECT l.projector, count(*) FROM everlog.projection_leases AS l
    JOIN everlog.projectors AS q ON q.projector = l.projector
    WHERE q.lease_until > clock_timestamp()
    GROUP BY l.projector
"""
_OF = "WHERE tenant_id = {tenant} AND name = 'p'"


class Holder(NamedTuple):
    """A projector of this process."""

    database_url: str
    projector: Projector

    def figures(self, tenant: int) -> Figures | None:
        """Of the projection of a tenant; None: it is not held."""
        named = f"tenant-{tenant}"
        return next((one for one in self.projector.snapshot() if one.tenant == named), None)

    async def notices(self, tenant: int, holds: Callable[[Figures | None], bool]) -> None:
        """Returns once it is known so; that takes no longer than a few looks."""
        deadline = time.monotonic() + _NOTICED_SECONDS
        while not holds(self.figures(tenant)):
            assert time.monotonic() < deadline, self.figures(tenant)
            await asyncio.sleep(0.02)


def rows(database_url: str, query: str) -> list[Any]:
    """Rows of the database, by a superuser."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def execute(database_url: str, statements: str) -> None:
    """In one transaction, as a superuser."""
    with psycopg.connect(database_url) as connection:
        connection.execute(statements.encode())


async def shared(database_url: str, count: int) -> dict[str, int]:
    """How many each living projector holds, once they hold so many."""
    async with asyncio.timeout(WAIT_SECONDS):
        while sum((shares := dict(rows(database_url, _SHARES))).values()) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return shares


@asynccontextmanager
async def holding(database_url: str, *, held: int) -> AsyncIterator[Holder]:
    """A projector, once it holds so many."""
    database = Database(database_url, StorageSettings())
    projector = Projector(ProjectingStore(database))
    await database.open()
    task = asyncio.create_task(projector.run())
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(projector.snapshot()) < held:  # noqa: ASYNC110  PostgreSQL's answers
                await asyncio.sleep(0.05)
        yield Holder(database_url, projector)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


async def test_two_servers_hold_more_than_they_take_at_a_time_and_all_run(
    database_url: str, tmp_path: Path
) -> None:
    count = 5 * CLAIMED_MAX
    names = ["aa", "zz"]
    async with (
        serving(database_url, tmp_path, "--no-projections-run") as writer,
        projections_at(writer.address, database_url) as wire,
    ):
        for name in names:
            await wire.apply(sums(name))
        execute(database_url, _FILL.format(count=count))
        async with (
            holding(database_url, held=1) as first,
            holding(database_url, held=1) as second,
        ):
            shares = await shared(database_url, count + len(names))
            assert shares.keys() == {first.projector.name, second.projector.name}
            await wire.emit({"n": 1}, {"n": 2})
            for name in names:
                await wire.caught_up(name)
                assert wire.sums(name) == fold(await wire.log())
                assert (await wire.get(name)).projector in shares
            # Each knows of its own, and nobody of another's.
            held = [len(one.projector.snapshot()) for one in (first, second)]
            assert sorted(held) == sorted(shares.values())
        assert rows(database_url, _SHARES) == []


@pytest.fixture
async def holder(database_url: str) -> AsyncIterator[Holder]:
    """Holds many that have nothing to do."""
    execute(database_url, _FILL.format(count=_COUNT))
    async with holding(database_url, held=_COUNT) as one:
        yield one


async def test_what_changes_without_an_event_is_noticed_among_many(holder: Holder) -> None:
    url = holder.database_url
    # Wherever the pages have come to: one of them is far behind, or has just been passed.
    for number, tenant in enumerate((1_001, 1_000 + _COUNT // 2, 1_000 + _COUNT)):
        assert holder.figures(tenant) is not None
        execute(url, f"SELECT everlog.pause_projection({tenant}, 'p', true)")
        await holder.notices(tenant, lambda one: one is not None and one.state == "paused")
        execute(url, f"SELECT everlog.pause_projection({tenant}, 'p', false)")
        await holder.notices(tenant, lambda one: one is not None and one.state == "running")
        execute(
            url,
            "INSERT INTO everlog.projection_builds (tenant_id, name, build, schema_name,"
            " wanted_schema_name, structure)"
            f" VALUES ({tenant}, 'p', 2, 'none', 'none', '');"
            f" UPDATE everlog.projections SET rebuild = 2 {_OF.format(tenant=tenant)}",
        )
        # Its schema is missing: that it was tried is what shows.
        await holder.notices(tenant, lambda one: one is not None and one.failed_windows > 0)
        execute(url, f"SELECT everlog.cancel_rebuild({tenant}, 'p')")
        await holder.notices(tenant, lambda one: one is not None and one.rebuild_checkpoint is None)
        if number == 0:
            execute(
                url,
                "UPDATE everlog.projection_leases SET epoch = epoch + 1, projector = 'another',"
                f" lease_until = now() + interval '50 seconds' {_OF.format(tenant=tenant)}",
            )
        else:
            for table in ("projection_builds", "projections", "projection_leases"):
                execute(url, f"DELETE FROM everlog.{table} {_OF.format(tenant=tenant)}")
        await holder.notices(tenant, lambda one: one is None)
    assert len(holder.projector.snapshot()) == _COUNT - 3


async def test_a_log_that_grows_elsewhere_is_noticed_among_many(holder: Holder) -> None:
    tenant = 1_000 + _COUNT - 1
    execute(
        holder.database_url,
        "UPDATE everlog.tenants SET head = 1, head_event_id = gen_random_uuid()"
        f" WHERE tenant_id = {tenant}",
    )
    # Its schema is missing: that it was tried is what shows.
    await holder.notices(tenant, lambda one: one is not None and one.state == "retrying")
    execute(holder.database_url, f"SELECT everlog.skip_projection({tenant}, 'p', 0)")
    execute(holder.database_url, f"SELECT everlog.pause_projection({tenant}, 'p', true)")
    await holder.notices(tenant, lambda one: one is not None and one.state == "paused")
    figures = holder.figures(tenant)
    assert figures is not None
    assert (figures.head, figures.lag) == (1, 1)


async def test_what_was_taken_without_an_answer_is_found(database_url: str) -> None:
    """The connection was lost after the commit: a projector holds it, and was not told so."""
    execute(database_url, _FILL.format(count=3))
    async with holding(database_url, held=3) as holder:
        execute(
            database_url,
            "UPDATE everlog.projection_leases SET epoch = epoch + 1 WHERE tenant_id = 1002",
        )
        await holder.notices(1_002, lambda one: one is None)
        await holder.notices(1_002, lambda one: one is not None)
        execute(database_url, "SELECT everlog.pause_projection(1002, 'p', true)")
        await holder.notices(1_002, lambda one: one is not None and one.state == "paused")


async def test_a_server_of_before_takes_nothing_from_a_projector_that_lives(
    database_url: str,
) -> None:
    """What migrations up to 0010 know: a lease of each projection, which nobody renews any more."""
    claim = "SELECT everlog.claim_projection(1001, 'p', 'of-before', 5)"
    held = "SELECT is_held FROM everlog.projections_to_run(10)"
    execute(database_url, _FILL.format(count=1))
    assert rows(database_url, held) == [(False,)]
    async with holding(database_url, held=1):
        execute(database_url, "UPDATE everlog.projection_leases SET lease_until = '-infinity'")
        assert rows(database_url, held) == [(True,)]
        assert rows(database_url, claim) == [(None,)]
    assert rows(database_url, held) == [(False,)]
    assert rows(database_url, claim) == [(2,)]
    assert rows(database_url, held) == [(True,)]
    # And nothing is taken from it, as long as it renews its own.
    free = "SELECT count(*) FROM everlog.free_projections(10)"
    assert rows(database_url, free) == [(0,)]
    execute(
        database_url,
        "SELECT everlog.renew_projections(1001, ARRAY['p'], ARRAY[2]::bigint[],"
        " ARRAY[0]::double precision[], 0)",
    )
    assert rows(database_url, free) == [(1,)]


async def test_what_a_dead_projector_holds_is_free_though_the_clock_was_set_back(
    database_url: str,
) -> None:
    """Its leases lie an hour ahead, as the clock now goes."""
    execute(database_url, _FILL.format(count=3))
    execute(
        database_url,
        "UPDATE everlog.projection_leases"
        " SET projector = 'dead', lease_until = clock_timestamp() + interval '1 hour'",
    )
    execute(
        database_url,
        "INSERT INTO everlog.projectors VALUES ('dead', clock_timestamp() + interval '1 hour')",
    )
    async with holding(database_url, held=3):
        held = "SELECT is_held FROM everlog.projections_to_run(10)"
        assert rows(database_url, held) == [(True,)] * 3


async def test_a_projector_without_projections_writes_nothing(database_url: str) -> None:
    """So that one may stand at a standby."""
    async with holding(database_url, held=0):
        await asyncio.sleep(1.5)
        assert rows(database_url, "SELECT * FROM everlog.projectors") == []
