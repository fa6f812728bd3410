"""Which PostgreSQL is used: the configured one, or an embedded one for as long as it is needed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from everlog_server.settings import SettingsError, redact
from everlog_server.storage import migrations
from everlog_server.storage.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from everlog_server.settings import StorageSettings


@dataclass(frozen=True, slots=True)
class ProvidedDatabase:
    """A database that answers. `description` is for people, and holds no secret."""

    dsn: str
    description: str


@contextmanager
def provided(settings: StorageSettings) -> Iterator[ProvidedDatabase]:
    """The database that the settings mean. An embedded one runs until the block ends.

    Raises EmbeddedPostgresError, or SettingsError for a URL that libpq does not understand or a
    password file that is no use; whether a configured database answers is not looked at here.
    """
    if settings.database_url is not None:
        yield ProvidedDatabase(configured_dsn(settings), described(settings.database_url))
        return
    postgres = EmbeddedPostgres(settings.data_dir, ephemeral=settings.ephemeral)
    postgres.start()
    try:
        fate = ", removed at the end" if settings.ephemeral else ""
        description = f"embedded PostgreSQL, its data in {postgres.data_dir}{fate}"
        yield ProvidedDatabase(postgres.dsn, description)
    finally:
        postgres.stop()


def configured_dsn(settings: StorageSettings) -> str:
    """What `database_url` says, with the password of `database_password_file` if there is one.

    Not libpq's own `passfile`: it takes only files that nobody else may read, which a container's
    mounted secret hardly ever is. Raises SettingsError, never with the password in it.
    """
    database_url, file = settings.database_url or "", settings.database_password_file
    described(database_url)
    if file is None:
        return database_url
    try:
        # Editors and `echo` end a file with a newline, which is no part of the password.
        password = file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            f"storage.database_password_file is {file}, but can't be read"
        ) from None
    if not password or "\0" in password or "\n" in password:
        raise SettingsError(
            f"storage.database_password_file is {file}, but must hold one line: the password"
        )
    if conninfo_to_dict(database_url).get("password"):
        raise SettingsError(
            "storage.database_password_file and the password in storage.database_url contradict"
            " each other"
        )
    return make_conninfo(database_url, password=password)


def prepare_schema(dsn: str, settings: StorageSettings) -> list[str]:
    """Brings the schema up to date and returns the names of what was applied, or only checks it.

    Raises SchemaTooOldError, SchemaTooNewError, MigrationChangedError, MigrationFailedError or
    StorageUnavailableError.
    """
    timeout_seconds = settings.connect_timeout_seconds
    if settings.migrate_at_start:
        applied = migrations.migrate(dsn, connect_timeout_seconds=timeout_seconds)
        return [migration.name for migration in applied]
    migrations.check(dsn, connect_timeout_seconds=timeout_seconds)
    return []


def described(database_url: str) -> str:
    """For people, without a secret; raises SettingsError for what libpq does not understand."""
    if not database_url:
        return "PostgreSQL of the PG* variables"
    try:
        parts = conninfo_to_dict(database_url)
    except psycopg.Error:
        # Not in libpq's words, which would repeat the password.
        raise SettingsError(
            "storage.database_url (EVERLOG_DATABASE_URL) is neither a URL such as "
            "postgresql://user@host:5432/database nor a string such as 'host=… dbname=…'"
        ) from None
    place = parts.get("host") or parts.get("hostaddr") or parts.get("service") or "the local socket"
    return redact(f"PostgreSQL at {place}, database {parts.get('dbname') or 'by default'}")
