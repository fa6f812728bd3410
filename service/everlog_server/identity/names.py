"""Whom the certificates of clients stand for: a file says which grant each name has.

    ["billing.internal"]
    roles = ["emit", "read"]
    tenants = ["acme"]

gRPC has verified a certificate before it tells its names. The file is read again when it changes; a
client that is not in it any more is refused, and its streams end. One that can't be understood
changes nothing.
"""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import structlog

from everlog_server.errors import BadRequestError, EverlogError
from everlog_server.identity.callers import Caller
from everlog_server.identity.grants import check_grant, text_problem
from everlog_server.model import Grant, Role

_LOOK_SECONDS = 1.0
_NAME_BYTES_MAX = 251
"""With `tls:` before it, it is an actor."""
_ROLES = {role.name.lower(): role for role in Role}
_LISTS = ("tenants", "aggregate_types", "event_types")
_KINDS: dict[str, type] = {
    "own_only": bool,
    "acts_for_others": bool,
    "actor": str,
    "user_id": str,
    "events_per_second": int,
    "calls_per_second": int,
}

_log = structlog.get_logger(__name__)


class GrantsFileError(EverlogError):
    """The file of grants can't be understood."""


class CertificateNames:
    """Who is known by the name of a certificate. Run `run` as a task."""

    def __init__(self, file: Path) -> None:
        """Raises GrantsFileError."""
        self._file = file
        self._text = _read(file)
        self._callers = callers_in(self._text, file)

    def of(self, tls_names: tuple[str, ...]) -> Caller | None:
        """Who has a certificate of these names: the first that is in the file."""
        for name in tls_names:
            caller = self._callers.get(name)
            if caller is not None:
                return caller
        return None

    def holds(self, caller: Caller) -> bool:
        """Whether it is still as the file says."""
        return self._callers.get(caller.identity.removeprefix("tls:")) is caller

    async def run(self) -> None:
        """Follows the file, for ever."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self.look()
            except GrantsFileError as error:
                _log.error("tls_grants_kept", why=error.message)

    def look(self) -> None:
        """Reads the file again, if it has changed; raises GrantsFileError once for each change."""
        text = _read(self._file)
        if text == self._text:
            return
        self._text = text
        found = callers_in(text, self._file)
        for name, caller in found.items():
            before = self._callers.get(name)
            if before is not None and before.grant == caller.grant:
                found[name] = before  # its streams go on
        self._callers = found


def callers_in(text: str, file: Path) -> dict[str, Caller]:
    """The callers by their names; raises GrantsFileError, which says what is wrong where."""
    try:
        tables = tomllib.loads(text)
    except ValueError as error:
        raise GrantsFileError(f"{file} is no TOML: {error}") from None
    found = {}
    for name, table in tables.items():
        problem = text_problem(name, _NAME_BYTES_MAX) if name else "is empty"
        if problem is not None:
            raise GrantsFileError(f"{file}: the name {name!r} {problem}")
        if not isinstance(table, dict):
            raise GrantsFileError(f"{file}: {name} must be a table with a grant's fields")
        try:
            grant = _grant_of(table)
            check_grant(grant, name)
        except (BadRequestError, ValueError) as error:
            raise GrantsFileError(f"{file}: {name}: {error}") from None
        found[name] = Caller(identity=f"tls:{name}", grant=grant)
    return found


def roles_of(names: list[str]) -> frozenset[Role]:
    """Roles by their names; raises ValueError."""
    for name in names:
        if name not in _ROLES:
            raise ValueError(f"{name!r} is no role: {', '.join(_ROLES)}")
    return frozenset(_ROLES[name] for name in names)


def _grant_of(table: dict[str, Any]) -> Grant:
    """Raises ValueError for a field that is unknown or of another kind."""
    fields: dict[str, Any] = {}
    for key, value in table.items():
        if key == "roles":
            fields[key] = roles_of(_texts(key, value))
        elif key in _LISTS:
            fields[key] = tuple(_texts(key, value))
        elif key in _KINDS:
            # By its very type: to Python, true is a number.
            if type(value) is not _KINDS[key]:
                raise ValueError(f"{key} is {value!r}, which is of another kind")
            fields[key] = value
        else:
            raise ValueError(f"{key} is no field of a grant")
    fields.setdefault("roles", frozenset())
    return Grant(**fields)


def _texts(key: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{key} is {value!r}, but must be a list of texts")
    return value


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise GrantsFileError(f"{file} can't be read: {error}") from None
