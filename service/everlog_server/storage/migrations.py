"""Brings a database's schema up to date: forward only, each migration once and in one transaction.

Migrations are `NNNN_name.sql`, in the package's `migrations/` (in a wheel) or the repository's.
`everlog.schema_migrations` records which were applied, with the SHA-256 of their text.

Two versions of everlog may serve one schema, so that an upgrade stops nobody: a migration that only
adds says in a line of its own, `-- serves-from: 0006`, from which migration on servers go on with
it. The database keeps that, as the older server has never seen the file. A server whose last
migration is at least that starts; to any other a migration that it does not know is a reason not
to. What such a migration may do is in docs/operations.md.

Why not a library: yoyo-migrations (the one for plain SQL and psycopg 3) locks with a row of a
table, which a killed process leaves behind; yandex-pgmigrate needs psycopg 2, pogo-migrate asyncpg.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from everlog_server.errors import EverlogError, StorageUnavailableError

_SERVER_VERSION_MIN = 150_000
# Any number that no other program uses; it names the lock in pg_locks.
_ADVISORY_LOCK = 0x65766572_6C6F67
_SERVES_FROM = re.compile(rb"^-- serves-from: (?P<version>\d{4})$", re.MULTILINE)
_FILE_NAME = re.compile(r"(?P<version>\d{4})_\w+\.sql")
# Every transaction that waits behind a migration's table lock is an append that waits.
_TABLE_LOCK_TIMEOUT = b"SET LOCAL lock_timeout = '10s'; SET LOCAL statement_timeout = 0"
_CREATE_TABLE = b"""
    CREATE SCHEMA IF NOT EXISTS everlog;
    CREATE TABLE IF NOT EXISTS everlog.schema_migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_time timestamptz NOT NULL DEFAULT now()
    );
    ALTER TABLE everlog.schema_migrations ADD COLUMN IF NOT EXISTS serves_from integer
"""
# As JSON, since a database that nobody has migrated lately has no such column.
_APPLIED = """
    SELECT version, name, checksum,
           COALESCE((to_jsonb(applied)->>'serves_from')::integer, version)
    FROM everlog.schema_migrations AS applied ORDER BY version
"""
# pg_has_role would fail for a role that does not exist; of one that does it asks by its oid.
_RIGHTS = """
    SELECT quote_ident(current_user),
           quote_ident(current_database()),
           has_database_privilege(current_database(), 'CREATE'),
           wanted.name,
           role.oid IS NOT NULL,
           COALESCE(pg_has_role(current_user, role.oid, 'MEMBER'), false)
    FROM (VALUES ('everlog_service'), ('everlog_projector')) AS wanted (name)
    LEFT JOIN pg_roles AS role ON role.rolname = wanted.name
"""


class SchemaTooOldError(EverlogError):
    """The database lacks migrations: run `everlog migrate`."""


class SchemaTooNewError(EverlogError):
    """The database was migrated by a newer everlog: run that one, or a newer one."""


class MigrationChangedError(EverlogError):
    """A migration was applied with another text than it has now."""


class MigrationFailedError(EverlogError):
    """A migration failed; the database is as it was before it."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema. `checksum`: SHA-256 of its text, in hex.

    Servers whose last migration is `serves_from` or later go on with the schema that it makes.
    """

    version: int
    name: str
    text: bytes
    checksum: str
    serves_from: int


def available() -> list[Migration]:
    """The migrations that this everlog carries, oldest first."""
    here = Path(__file__)
    folders = (here.parents[1] / "migrations", here.parents[3] / "migrations")
    folder = next((folder for folder in folders if folder.is_dir()), None)
    migrations = []
    for path in sorted(folder.iterdir() if folder else ()):
        if match := _FILE_NAME.fullmatch(path.name):
            text = path.read_bytes()
            version, checksum = int(match["version"]), hashlib.sha256(text).hexdigest()
            migrations.append(
                Migration(version, path.stem, text, checksum, _serves_from(text, version, path))
            )
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise EverlogError(
            f"the migrations in {folder} are not numbered 0001, 0002, … without gaps"
        )
    return migrations


def _serves_from(text: bytes, version: int, path: Path) -> int:
    lines = _SERVES_FROM.findall(text)
    if not lines:
        return version
    if len(lines) > 1 or not 1 <= int(lines[0]) < version:
        raise EverlogError(f"{path.name}: `-- serves-from:` must name one earlier migration, once")
    return int(lines[0])


def migrate(dsn: str, *, connect_timeout_seconds: float = 5) -> list[Migration]:
    """Applies what is missing, and returns it; any number of servers may do so at once.

    Raises SchemaTooNewError, MigrationChangedError, MigrationFailedError, StorageUnavailableError.
    """
    applied = []
    with _connect(dsn, connect_timeout_seconds) as connection, _failures_named():
        while migration := _apply_next(connection):
            applied.append(migration)
    return applied


def planned(dsn: str, *, connect_timeout_seconds: float = 5) -> list[Migration]:
    """What `migrate` would apply; it raises the same, but for MigrationFailedError."""
    with _connect(dsn, connect_timeout_seconds) as connection, _failures_named():
        return _missing(connection)


def check(dsn: str, *, connect_timeout_seconds: float = 5) -> None:
    """Raises SchemaTooOldError, SchemaTooNewError, MigrationChangedError unless all is applied.

    A newer schema that servers of this everlog's age go on with is right, too.
    """
    with _connect(dsn, connect_timeout_seconds) as connection, _failures_named():
        if missing := _missing(connection):
            names = ", ".join(migration.name for migration in missing)
            raise SchemaTooOldError(f"the database lacks {names}: run `everlog migrate`")


def _connect(dsn: str, timeout_seconds: float) -> psycopg.Connection:
    try:
        connection = psycopg.connect(
            dsn, autocommit=True, connect_timeout=round(timeout_seconds), application_name="everlog"
        )
    except psycopg.Error as error:
        text = " ".join(str(error).split())
        _, refused, why = text.partition("FATAL: ")
        if refused:  # It answers, and has something against us: a password, a database's name.
            raise StorageUnavailableError(
                f"PostgreSQL refuses the connection: {why.strip()}"
            ) from error
        raise StorageUnavailableError(f"PostgreSQL can't be reached: {text}") from error
    if connection.info.server_version < _SERVER_VERSION_MIN:
        found = connection.info.parameter_status("server_version")
        connection.close()
        raise EverlogError(f"everlog needs PostgreSQL 15 or later; this is {found}")
    return connection


@contextmanager
def _failures_named() -> Iterator[None]:
    """Makes PostgreSQL's errors ours."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise StorageUnavailableError(f"PostgreSQL failed: {_one_line(error)}") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationFailedError(
            f"the schema can't be looked at: {_one_line(error)}. As a superuser, run: "
            "GRANT everlog_service TO the user of storage.database_url"
        ) from error
    except psycopg.Error as error:
        raise MigrationFailedError(f"the schema can't be used: {_one_line(error)}") from error


def _one_line(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())


def _preparations(connection: psycopg.Connection) -> str:
    """What a superuser has to run before this user can migrate; empty: nothing."""
    statements: dict[str, bool] = {}
    for user, database, may_create, role, has_role, is_member in connection.execute(_RIGHTS):
        statements |= {
            f"GRANT CREATE ON DATABASE {database} TO {user};": not may_create,
            f"CREATE ROLE {role} NOLOGIN;": not has_role,
            f"GRANT {role} TO {user};": not is_member,
        }
    return " ".join(statement for statement, needed in statements.items() if needed)


def _apply_next(connection: psycopg.Connection) -> Migration | None:
    """Applies the first missing migration, in one transaction; None: there is none.

    The advisory lock: this database's migrations, against every other server that starts. It is the
    transaction's, so it goes with it, also through a pooler; what is missing is read under it.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        missing = _missing(connection)
        if not missing:
            return None
        migration = missing[0]
        preparations = _preparations(connection)
        try:
            connection.execute(_TABLE_LOCK_TIMEOUT)
            connection.execute(_CREATE_TABLE)
            connection.execute(migration.text)
        except psycopg.errors.InsufficientPrivilege as error:
            advice = f". As a superuser, run: {preparations}" if preparations else ""
            raise MigrationFailedError(
                f"migration {migration.name} failed: {_one_line(error)}{advice}"
            ) from error
        except psycopg.Error as error:
            raise MigrationFailedError(f"migration {migration.name} failed: {error}") from error
        connection.execute(
            "INSERT INTO everlog.schema_migrations (version, name, checksum, serves_from)"
            " VALUES (%s, %s, %s, %s)",
            [migration.version, migration.name, migration.checksum, migration.serves_from],
        )
        return migration


def _missing(connection: psycopg.Connection) -> list[Migration]:
    """The migrations that the database lacks. Raises if it has others that this one can't serve."""
    exists = connection.execute("SELECT to_regclass('everlog.schema_migrations')").fetchone()
    if exists == (None,):
        return available()
    rows = connection.execute(_APPLIED).fetchall()
    known = {migration.version: migration for migration in available()}
    newest = max(known, default=0)
    for version, name, checksum, serves_from in rows:
        migration = known.pop(version, None)
        if migration is None and serves_from <= newest:
            continue
        if migration is None:
            raise SchemaTooNewError(
                f"the database has migration {name}, which this everlog does not know, and which"
                f" servers go on with from migration {serves_from:04} on; this one's last is"
                f" {newest:04}: run the newer everlog that migrated it"
            )
        if migration.checksum != checksum:
            raise MigrationChangedError(
                f"migration {name} was applied with another text than {migration.name} has now: "
                "migrations are never edited, add a new one"
            )
    return list(known.values())
