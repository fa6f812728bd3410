"""Tokens in the database: who is known by one, until when, and what is kept of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from everlog_server.errors import (
    StorageUnavailableError,
    TenantNotFoundError,
    TokenExistsError,
    TokenNotFoundError,
    UnauthenticatedError,
)
from everlog_server.identity.callers import Caller, Credentials
from everlog_server.identity.door import Door
from everlog_server.identity.known import KnownCallers
from everlog_server.identity.token_secrets import digest_of, new_secret, prefix_of
from everlog_server.identity.tokens import Tokens
from everlog_server.model import Grant, Role
from everlog_server.settings import StorageSettings
from everlog_server.storage.database import Database
from everlog_server.storage.tokens import TokenStore
from tests.servers import make_tenant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

EMITTER = Grant(roles=frozenset({Role.EMIT}), tenants=("default",))


class Process:
    """What one server process knows of tokens."""

    def __init__(self, database: Database) -> None:
        self.known = KnownCallers()
        self.tokens = Tokens(TokenStore(database), self.known)
        self.door = Door(self.known, tokens=self.tokens, jwts=None, names=None)

    async def enter(self, secret: str) -> Caller:
        return await self.door.identify(Credentials(f"Bearer {secret}"))

    def knows(self, secret: str) -> Caller | None:
        return self.door.known(Credentials(f"Bearer {secret}"))


@asynccontextmanager
async def processes(database_url: str, count: int = 1) -> AsyncIterator[list[Process]]:
    """So many, which follow what changes."""
    database = Database(database_url, StorageSettings())
    await database.open()
    try:
        made = [Process(database) for _ in range(count)]
        following = [asyncio.create_task(one.tokens.run()) for one in made]
        yield made
        for task in following:
            task.cancel()
    finally:
        await database.close()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  it is another process that changes
            await asyncio.sleep(0.02)


async def test_who_has_the_secret_is_the_token_and_nobody_else_is(database_url: str) -> None:
    async with processes(database_url) as [process]:
        grant = Grant(
            roles=frozenset({Role.READ, Role.EMIT}),
            tenants=("default",),
            aggregate_types=("order",),
            event_types=("order.*", "cart.emptied"),
            own_only=True,
            actor="user:ada",
            user_id="ada",
            events_per_second=7,
            calls_per_second=3,
        )
        token, secret = await process.tokens.create("ada", grant, None)
        assert secret.startswith(token.prefix)
        assert len(token.prefix) == len("evl_") + 8
        caller = await process.enter(secret)
        assert (caller.identity, caller.grant, caller.expires_at) == ("token:ada", grant, None)
        assert process.knows(secret) is caller
        assert await process.enter(secret) is caller
        assert await process.door.identify(Credentials(f"bearer   {secret} ")) is caller
        same_prefix = token.prefix + new_secret()[len(token.prefix) :]
        wrong = [
            *(secret[:-1], secret + "x", secret.swapcase(), same_prefix, new_secret()),
            *(token.prefix, "evl_", "", "x", "evl_" + "\0" * 51, "evl_" + "é" * 51, "x" * 100_000),
        ]
        for forged in wrong:
            for _ in range(2):
                with pytest.raises(UnauthenticatedError) as refused:
                    await process.enter(forged)
                assert len(forged) < 12 or forged not in refused.value.message
        for header in (secret, f"Basic {secret}", f"Bearer{secret}", "Bearer", ""):
            with pytest.raises(UnauthenticatedError):
                await process.door.identify(Credentials(header))
        with pytest.raises(UnauthenticatedError, match="carries no token"):
            await process.door.identify(Credentials(None))


async def test_only_a_digest_of_the_secret_is_in_the_database(database_url: str) -> None:
    async with processes(database_url) as [process]:
        _, secret = await process.tokens.create("ada", EMITTER, None)
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT t::text, digest FROM everlog.tokens AS t").fetchone()
    assert row is not None
    assert secret[len(prefix_of(secret)) :] not in row[0]
    assert row[1] == digest_of(secret)


async def test_a_name_is_given_once_for_ever(database_url: str) -> None:
    async with processes(database_url) as [process]:
        await process.tokens.create("ada", EMITTER, None)
        await process.tokens.revoke("ada")
        with pytest.raises(TokenExistsError, match="'ada'"):
            await process.tokens.create("ada", EMITTER, None)
        with pytest.raises(TokenNotFoundError, match="'bob'"):
            await process.tokens.revoke("bob")
        nowhere = Grant(roles=frozenset({Role.EMIT}), tenants=("default", "nowhere"))
        with pytest.raises(TenantNotFoundError, match="'nowhere'"):
            await process.tokens.create("bob", nowhere, None)


async def test_a_revoked_token_is_refused_here_at_once_and_elsewhere_within_two_seconds(
    database_url: str,
) -> None:
    """Processes follow changes within 2 s, which is less than the 5 s that are promised."""
    async with processes(database_url, 2) as [here, elsewhere]:
        _, secret = await here.tokens.create("ada", EMITTER, None)
        _, other_secret = await here.tokens.create("bob", EMITTER, None)
        caller, there = await here.enter(secret), await elsewhere.enter(secret)
        other = await elsewhere.enter(other_secret)
        assert here.door.holds(caller)
        token = await here.tokens.revoke("ada")
        assert token.revoked_time is not None
        assert not here.door.holds(caller)
        assert here.knows(secret) is None
        await until(lambda: not elsewhere.door.holds(there))
        assert elsewhere.door.holds(other)
        assert elsewhere.knows(other_secret) is other
        for process in (here, elsewhere):
            with pytest.raises(UnauthenticatedError, match="unknown, expired or revoked"):
                await process.enter(secret)
        assert (await here.tokens.revoke("ada")).revoked_time == token.revoked_time


async def test_following_goes_on_when_postgresql_refuses_a_look(database_url: str) -> None:
    async with processes(database_url) as [process]:
        following = asyncio.create_task(process.tokens.run())
        right = "SELECT ON everlog.token_changes"
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(f"REVOKE {right} FROM everlog_service".encode())
            await until(lambda: process.tokens._looks.rest_seconds > 0)
            connection.execute(f"GRANT {right} TO everlog_service".encode())
        await until(lambda: process.tokens._version is not None)
        assert not following.done()
        following.cancel()


async def test_a_token_that_is_revoked_while_it_is_looked_up_does_not_stay_known(
    database_url: str,
) -> None:
    async with processes(database_url, 2) as [here, elsewhere]:
        _, secret = await here.tokens.create("ada", EMITTER, None)
        await until(lambda: elsewhere.tokens._version is not None)
        found, go_on = asyncio.Event(), asyncio.Event()
        find = elsewhere.tokens._find

        async def find_slowly(*arguments: str | bytes) -> object:
            token = await find(*arguments)  # type: ignore[arg-type]
            found.set()
            await go_on.wait()
            return token

        elsewhere.tokens._find = find_slowly  # type: ignore[assignment,method-assign]
        entering = asyncio.create_task(elsewhere.enter(secret))
        await found.wait()
        version = elsewhere.tokens._version
        await here.tokens.revoke("ada")
        await until(lambda: elsewhere.tokens._version != version)
        go_on.set()
        with pytest.raises(UnauthenticatedError):
            await entering
        assert elsewhere.knows(secret) is None


async def test_a_token_ends_with_its_lifetime_at_once(database_url: str) -> None:
    async with processes(database_url) as [process]:
        _, secret = await process.tokens.create("ada", EMITTER, timedelta(minutes=1))
        now = time.time()
        process.known._clock = lambda: now
        caller = await process.enter(secret)
        assert caller.expires_at == pytest.approx(time.time() + 60, abs=30)
        assert caller.expires_at is not None
        now = caller.expires_at - 0.001
        assert process.door.holds(caller)
        assert process.knows(secret) is caller
        now = caller.expires_at
        assert not process.door.holds(caller)
        assert process.knows(secret) is None
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE everlog.tokens SET expire_time = now()")
        with pytest.raises(UnauthenticatedError):
            await process.enter(secret)


async def test_a_renamed_tenant_is_the_same_and_a_dropped_one_does_not_become_all(
    database_url: str,
) -> None:
    make_tenant(database_url, "acme", 2)
    grant = Grant(roles=frozenset({Role.OPERATOR}), tenants=("acme",))
    async with processes(database_url) as [process]:
        _, secret = await process.tokens.create("ada", grant, None)
        before = await process.enter(secret)
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE everlog.tenant_names SET name = 'new' WHERE tenant_id = 2")
        await until(lambda: process.knows(secret) is not before)
        after = process.knows(secret)
        assert after is not None
        assert after.grant.tenants == ("new",)
        assert process.door.holds(before), "streams of before go on: it is the same tenant"
        with psycopg.connect(database_url) as connection:
            connection.execute("DELETE FROM everlog.tenant_names WHERE tenant_id = 2")
        await until(lambda: process.knows(secret) is not after)
        dropped = process.knows(secret)
        assert dropped is not None
        assert dropped.grant.tenants == ("#2",)
        await process.tokens.revoke("ada")
        assert not any(map(process.door.holds, (before, after, dropped)))


async def test_a_role_that_only_a_newer_server_knows_gives_nothing_and_stops_nobody(
    database_url: str,
) -> None:
    async with processes(database_url) as [process]:
        _, secret = await process.tokens.create("ada", EMITTER, None)
        known = await process.enter(secret)
        with psycopg.connect(database_url) as connection:
            connection.execute("UPDATE everlog.tokens SET roles = '{2, 99}'")
            connection.execute("UPDATE everlog.token_changes SET version = version + 1")
        await until(lambda: process.knows(secret) is not known)
        renewed = process.knows(secret)
        assert renewed is not None
        assert renewed.grant.roles == {Role.READ}
        [listed] = await process.tokens.after("", 10)
        assert listed.grant == renewed.grant


async def test_the_time_of_the_last_use_is_noted_now_and_then(database_url: str) -> None:
    async with processes(database_url, 0):
        pass
    database = Database(database_url, StorageSettings())
    await database.open()
    try:
        process = Process(database)
        _, secret = await process.tokens.create("ada", EMITTER, None)
        assert (await process.tokens.after("", 10))[0].last_used_time is None
        began = datetime.now(UTC)
        await process.enter(secret)
        await process.tokens._note_used()
        [token] = await process.tokens.after("", 10)
        assert token.last_used_time is not None
        assert token.last_used_time >= began
        process.knows(secret)
        await process.tokens._note_used()
        assert await process.tokens.after("", 10) == [token], "at most every 10 minutes"
        [entry] = process.known
        entry.noted_at -= 601
        await process.tokens._note_used()
        [later] = await process.tokens.after("", 10)
        assert later.last_used_time is not None
        assert later.last_used_time > token.last_used_time
    finally:
        await database.close()


async def test_many_who_try_secrets_take_one_connection_at_most(database_url: str) -> None:
    async with processes(database_url) as [process]:
        _, secret = await process.tokens.create("ada", EMITTER, None)
        in_use = most = 0
        by_prefix = process.tokens._store.by_prefix

        async def counted(prefix: str) -> list[object]:
            nonlocal in_use, most
            in_use += 1
            most = max(most, in_use)
            try:
                return await by_prefix(prefix)  # type: ignore[return-value]
            finally:
                in_use -= 1

        process.tokens._store.by_prefix = counted  # type: ignore[assignment,method-assign]
        forged = [process.enter(new_secret()) for _ in range(50)]
        honest = [process.enter(secret) for _ in range(50)]
        *answers, last = await asyncio.gather(*forged, *honest, return_exceptions=True)
        assert most == 1
        assert [type(one) for one in answers[:50]] == [UnauthenticatedError] * 50
        assert set(answers[50:]) == {last}
        assert isinstance(last, Caller)


async def test_who_is_known_stays_known_while_the_database_is_away(database_url: str) -> None:
    database = Database(database_url, StorageSettings(connect_timeout_seconds=1))
    await database.open()
    process = Process(database)
    _, secret = await process.tokens.create("ada", EMITTER, None)
    _, other_secret = await process.tokens.create("bob", EMITTER, None)
    caller = await process.enter(secret)
    await database.close()
    assert process.knows(secret) is caller
    assert process.door.holds(caller)
    with pytest.raises(StorageUnavailableError):
        await process.enter(other_secret)


async def test_the_service_can_change_tokens_by_its_functions_only(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SET ROLE everlog_service")
        for statement in (
            "UPDATE everlog.tokens SET roles = '{5}'",
            "DELETE FROM everlog.tokens",
            "INSERT INTO everlog.token_changes VALUES (false, 1)",
            "UPDATE everlog.token_changes SET version = 1",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        connection.execute("RESET ROLE; SET ROLE everlog_projector")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM everlog.tokens")
