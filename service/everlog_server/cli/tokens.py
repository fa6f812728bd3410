"""`everlog tokens` and `everlog whoami`: by what callers are known."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import everlog
from everlog_server import settings
from everlog_server.cli.command_group import CommandGroup
from everlog_server.cli.event_json import time_text
from everlog_server.cli.failures import run, say
from everlog_server.cli.rendering import Output, visible
from everlog_server.cli.serve import errors_shown
from everlog_server.cli.target import Target, client_options
from everlog_server.model import DEFAULT_TENANT
from everlog_server.settings import StorageSettings

if TYPE_CHECKING:
    from everlog_server.cli.direct_tokens import DirectTokens

_ROLES = ("emit", "read", "consume", "admin", "operator")
_UNITS = {"m": 60, "h": 3_600, "d": 86_400, "y": 365 * 86_400}
_FOR_EVER = "never"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Lifetime(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # not generic at runtime
    name = "DURATION"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        match = re.fullmatch(r"(\d{1,6})([mhdy])", str(value))
        if match is None:
            self.fail(f"{value!r} is no lifetime: expected 30m, 12h, 90d or 1y", param, ctx)
        return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def _where(command: Callable[..., None]) -> Callable[..., None]:
    """Options to do without a server. The command gets `storage`: None, or which database."""

    @wraps(command)
    def run_there(*, direct: bool, data_dir: Path | None, config: Path | None, **rest: Any) -> None:
        storage = None
        if direct or data_dir is not None:
            with errors_shown():
                flags = {"storage.data_dir": data_dir}
                storage = settings.load(flags, file=config).storage
        command(storage=storage, **rest)

    there: Callable[..., None] = run_there
    for option in (
        click.option(
            "--config", type=_FILE, help="With --direct: the server's TOML file.  [EVERLOG_CONFIG]"
        ),
        click.option(
            "--data-dir",
            type=click.Path(file_okay=False, path_type=Path),
            help="The same, where the server runs an embedded PostgreSQL with this data folder.",
        ),
        click.option(
            "--direct",
            is_flag=True,
            help="Ask no server, but its database, which its settings name (EVERLOG_DATABASE_URL"
            " …): for the first token.",
        ),
    ):
        there = option(there)
    return there


@click.group(cls=CommandGroup)
def tokens() -> None:
    """Create, list and revoke the tokens by which callers are known. For operators.

    A server asks for them when it runs with `--identity-mode required`.
    """


@tokens.command(
    epilog="""\b
Examples:
  everlog tokens create ops --role operator --direct
  everlog tokens create billing --role emit --role read --for-tenant acme --lifetime 90d
"""
)
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice(_ROLES),
    help="What it may do: docs/roles.md. May be repeated.",
)
@click.option(
    "--for-tenant",
    "tenants",
    multiple=True,
    help="A tenant it may name; the first is its own. May be repeated. "
    "Default: --tenant; for operators all.",
)
@click.option(
    "--aggregate-type",
    "aggregate_types",
    multiple=True,
    help="Only events of aggregates of this type. May be repeated.",
)
@click.option(
    "--event-type",
    "event_types",
    multiple=True,
    help="Only events of this type: exact, or `order.*`. May be repeated.",
)
@click.option("--own-only", is_flag=True, help="Only events that carry its --user-id.")
@click.option("--actor", default="", help="Stamped on its events. Default: token: and its name.")
@click.option("--user-id", default="", help="Stamped on its events.")
@click.option("--acts-for-others", is_flag=True, help="It says actor and user_id itself.")
@click.option(
    "--events-per-second",
    type=click.IntRange(min=0),
    default=0,
    help="How many it may append in a second, to one process. Default: the server's settings.",
)
@click.option(
    "--calls-per-second",
    type=click.IntRange(min=0),
    default=0,
    help="How many it may begin in a second, with one process. Default: the server's settings.",
)
@click.option(
    "--lifetime", type=_Lifetime(), help="How long it holds: 30m, 12h, 90d, 1y. Default: for ever."
)
@_where
@client_options
def create(
    *,
    target: Target,
    name: str,
    storage: StorageSettings | None,
    lifetime: timedelta | None,
    **granted: Any,
) -> None:
    """Create a token, and show its secret, once."""
    if not granted["tenants"] and "operator" not in granted["roles"]:
        granted["tenants"] = (target.tenant or DEFAULT_TENANT,)
    with errors_shown():
        grant = everlog.Grant(**granted)
        run(_create(target, storage, name=name, grant=grant, lifetime=lifetime))


@tokens.command("list")
@_where
@client_options
def list_(*, target: Target, storage: StorageSettings | None) -> None:
    """List the tokens by name, also those that are expired or revoked."""
    with errors_shown():
        run(_list(target, storage))


@tokens.command()
@click.argument("name")
@_where
@client_options
def revoke(*, target: Target, name: str, storage: StorageSettings | None) -> None:
    """Revoke a token, for good: within 5 s it lets nobody in, and its streams end."""
    with errors_shown():
        run(_revoke(target, storage, name))


@click.command()
@client_options
def whoami(*, target: Target) -> None:
    """Say who you are to the server, and what you may do.

    With --json an empty list of tenants stands for all of them, as in the contract: an operator's.
    """
    run(_whoami(target))


@asynccontextmanager
async def _tokens(
    target: Target, storage: StorageSettings | None
) -> AsyncGenerator[everlog.Client | DirectTokens]:
    if storage is None:
        async with target.connect() as client:
            yield client
        return
    # Late: it is half of a server.
    from everlog_server.cli.direct_tokens import direct_tokens  # noqa: PLC0415

    async with direct_tokens(storage) as direct:
        yield direct


async def _create(
    target: Target,
    storage: StorageSettings | None,
    *,
    name: str,
    grant: everlog.Grant,
    lifetime: timedelta | None,
) -> None:
    async with _tokens(target, storage) as admin:
        made = await admin.create_token(name, grant, lifetime=lifetime)
    output = Output(as_json=target.json)
    if target.json:
        output.document(_document(made.token) | {"secret": made.secret})
    else:
        output.line(made.secret)
        say("this is its secret, shown only now: callers send it as --token, or EVERLOG_TOKEN")
    output.flush()


async def _list(target: Target, storage: StorageSettings | None) -> None:
    async with _tokens(target, storage) as admin:
        found = [token async for token in admin.tokens()]
    output = Output(as_json=target.json)
    if target.json:
        for token in found:
            output.document(_document(token))
    else:
        names = ("name", "prefix", "state", "roles", "tenants", "last used")
        output.rows({name: {} for name in names}, map(_cells, found))
    output.flush()


async def _revoke(target: Target, storage: StorageSettings | None, name: str) -> None:
    async with _tokens(target, storage) as admin:
        token = await admin.revoke_token(name)
    output = Output(as_json=target.json)
    if target.json:
        output.document(_document(token))
    else:
        output.line(f"{visible(token.name)} is revoked")
    output.flush()


async def _whoami(target: Target) -> None:
    async with target.connect() as client:
        me = await client.who_am_i()
    output = Output(as_json=target.json)
    fields = {"identity": me.identity} | _grant_fields(me.grant)
    if me.expire_time is not None:
        fields["expire_time"] = time_text(me.expire_time)
    if target.json:
        output.document(fields)
    else:
        for name, value in (fields | {"tenants": _tenants(me.grant)}).items():
            shown = ", ".join(value) if isinstance(value, list) else str(value)
            if value is True:
                shown = "yes"
            output.line(f"{name}: {visible(shown)}")
    output.flush()


def _cells(token: everlog.Token) -> list[str]:
    used = _FOR_EVER if token.last_used_time is None else time_text(token.last_used_time)
    grant = token.grant
    roles, tenants = ", ".join(grant.roles), _tenants(grant)
    return [token.name, token.prefix, _state(token), roles, tenants, used]


def _tenants(grant: everlog.Grant) -> str:
    """Which tenants it may name; what stands for all is no name that one could have."""
    return ", ".join(grant.tenants) or "all tenants"


def _state(token: everlog.Token) -> str:
    if token.revoked_time is not None:
        return "revoked"
    if token.expire_time is None:
        return "valid"
    if token.expire_time <= datetime.now(UTC):
        return "expired"
    return f"until {time_text(token.expire_time)}"


def _document(token: everlog.Token) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": token.name, "prefix": token.prefix}
    fields |= _grant_fields(token.grant)
    for name in ("created_time", "expire_time", "revoked_time", "last_used_time"):
        if (time := getattr(token, name)) is not None:
            fields[name] = time_text(time)
    return fields


def _grant_fields(grant: everlog.Grant) -> dict[str, Any]:
    fields: dict[str, Any] = {"roles": list(grant.roles), "tenants": list(grant.tenants)}
    for name in ("aggregate_types", "event_types"):
        if values := getattr(grant, name):
            fields[name] = list(values)
    for name in (
        *("own_only", "actor", "user_id", "acts_for_others"),
        *("events_per_second", "calls_per_second"),
    ):
        if value := getattr(grant, name):
            fields[name] = value
    return fields
