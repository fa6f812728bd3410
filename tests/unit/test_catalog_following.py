"""Copies of catalogues: when they are renewed, who waits for it, and what happens when it fails."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from everlog.v1 import catalog_pb2 as pb
from everlog_server.catalog import catalogs
from everlog_server.catalog.catalogs import Catalogs
from everlog_server.errors import StorageUnavailableError
from everlog_server.storage.catalogs import CatalogState, StoredEventType

TENANT = 1
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Store:
    """A table of event types that can be away, or not answer."""

    def __init__(self) -> None:
        self.types: dict[str, tuple[int, StoredEventType]] = {}
        self.revision = 0
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()
        self.looks = 0
        self.asked_since: list[int] = []

    def add(self, name: str, **fields: Any) -> None:
        self.revision += 1
        definition = pb.EventTypeDefinition(name=name, **fields).SerializeToString()
        self.types[name] = (self.revision, StoredEventType(name, 1, NOW, definition, None, ""))

    async def state(self, _: int) -> CatalogState:
        self.looks += 1
        await self.answers.wait()
        if self.is_away:
            raise StorageUnavailableError
        return CatalogState(self.revision, False)

    async def event_types_since(self, _: int, revision: int, __: int) -> list[StoredEventType]:
        self.asked_since.append(revision)
        return [stored for at, stored in self.types.values() if at > revision]


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(catalogs, "time", clock)
    monkeypatch.setattr(catalogs, "_PATIENCE_SECONDS", 0.02)
    return clock


def copies(store: Store) -> Catalogs:
    return Catalogs(cast("Any", store))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_copy_is_used_for_a_while_then_renewed_aside_then_waited_for(clock: Clock) -> None:
    store = Store()
    followed = copies(store).of(TENANT)
    assert followed.at_hand() is None
    first = await followed.fresh()
    store.add("a.b")
    clock.now += 0.7
    assert followed.at_hand() is first
    await settle()
    assert store.looks == 1
    clock.now += 0.1
    assert followed.at_hand() is first
    assert followed.at_hand() is first  # and that is one look
    await settle()
    second = followed.at_hand()
    assert second is not None
    assert (store.looks, list(second.types)) == (2, ["a.b"])
    store.add("c.d")
    clock.now += 60
    assert followed.at_hand() is None
    assert sorted((await followed.fresh()).types) == ["a.b", "c.d"]
    assert store.asked_since == [0, 1]  # only for what is new, and not when nothing is


async def test_what_is_known_is_used_while_postgres_is_away(clock: Clock) -> None:
    store = Store()
    store.add("a.b")
    followed = copies(store).of(TENANT)
    known = await followed.fresh()
    store.is_away = True
    for looks in (2, 3):
        clock.now += 10
        assert await followed.fresh() is known
        assert await followed.fresh() is known  # nobody asks again at once
        assert store.looks == looks
    with pytest.raises(StorageUnavailableError):
        await followed.look()
    store.is_away = False
    store.add("c.d")
    clock.now += 10
    assert len((await followed.fresh()).types) == 2


async def test_a_catalogue_that_was_never_read_is_an_error_while_postgres_is_away(
    clock: Clock,
) -> None:
    store = Store()
    store.is_away = True
    followed = copies(store).of(TENANT)
    for _ in range(2):
        with pytest.raises(StorageUnavailableError):
            await followed.fresh()
    store.is_away = False
    assert (await followed.fresh()).revision == 0
    assert clock.now


async def test_nobody_waits_long_for_a_look_that_hangs(clock: Clock) -> None:
    store = Store()
    followed = copies(store).of(TENANT)
    known = await followed.fresh()
    store.answers.clear()
    clock.now += 10
    assert await followed.fresh() is known
    assert followed.at_hand() is known
    store.add("a.b")
    store.answers.set()
    await settle()
    assert len((await followed.look()).types) == 1


async def test_a_database_that_was_restored_to_an_earlier_state_is_read_anew(clock: Clock) -> None:
    store = Store()
    for name in ("a.b", "c.d"):
        store.add(name)
    followed = copies(store).of(TENANT)
    await followed.fresh()
    del store.types["c.d"]
    store.revision = 1
    clock.now += 10
    assert list((await followed.fresh()).types) == ["a.b"]


async def test_copies_are_bounded_and_one_that_a_stream_has_stays_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalogs, "_TENANTS_MAX", 10)
    all_copies = copies(Store())
    held = all_copies.of(TENANT)
    for tenant_id in range(2, 100):
        all_copies.of(tenant_id)
    assert len(all_copies._followed) <= 10
    assert all_copies.of(TENANT) is held


async def test_a_type_that_did_not_change_is_not_compiled_again(clock: Clock) -> None:
    store = Store()
    store.add("a.b", json_schema='{"type": "object"}')
    followed = copies(store).of(TENANT)
    schema = (await followed.fresh()).types["a.b"].schema
    assert schema is not None
    revision, stored = store.types["a.b"]
    store.revision += 1
    store.types["a.b"] = (revision + 1, stored._replace(deprecated_time=NOW))
    clock.now += 10
    one = (await followed.fresh()).types["a.b"]
    assert (one.schema is schema, one.stored.deprecated_time) == (True, NOW)
