"""Which PostgreSQL is used: the configured one, or an embedded one for as long as it is needed."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict

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

    Raises EmbeddedPostgresError, or SettingsError for a URL that libpq does not understand; whether
    a configured database answers is not looked at here.
    """
    if settings.database_url is not None:
        yield ProvidedDatabase(settings.database_url, described(settings.database_url))
        return
    postgres = EmbeddedPostgres(settings.data_dir, ephemeral=settings.ephemeral)
    postgres.start()
    try:
        fate = ", removed at the end" if settings.ephemeral else ""
        description = f"embedded PostgreSQL, its data in {postgres.data_dir}{fate}"
        yield ProvidedDatabase(postgres.dsn, description)
    finally:
        postgres.stop()


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
