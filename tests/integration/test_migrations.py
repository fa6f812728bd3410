"""Migrations are applied once, in order, whoever starts at once; a wrong schema is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from everlog_server.errors import EverlogError, StorageUnavailableError
from everlog_server.settings import StorageSettings
from everlog_server.storage import migrations
from everlog_server.storage.conninfo import service_conninfo
from everlog_server.storage.embedded import EmbeddedPostgres
from everlog_server.storage.migrations import (
    Migration,
    MigrationChangedError,
    MigrationFailedError,
    SchemaTooNewError,
    SchemaTooOldError,
)
from tests.integration import schema_snapshot


def execute(dsn: str, statement: str) -> psycopg.Cursor:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement.encode())


def test_ten_servers_starting_at_once_migrate_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(10) as threads:
        applied = list(threads.map(migrations.migrate, [empty_database_url] * 10))
    # Several of them may have applied one each; together each migration once.
    together = sorted(migration.version for each in applied for migration in each)
    assert together == [migration.version for migration in migrations.available()]
    migrations.check(empty_database_url)


def test_a_migrated_database_needs_nothing(database_url: str) -> None:
    migrations.check(database_url)
    assert migrations.migrate(database_url) == []


def test_a_database_without_a_schema_is_refused_and_told_what_to_run(
    empty_database_url: str,
) -> None:
    with pytest.raises(SchemaTooOldError, match=r"lacks 0001_\w+.*run `everlog migrate`"):
        migrations.check(empty_database_url)


def test_a_database_of_a_newer_server_is_refused(database_url: str) -> None:
    execute(
        database_url,
        "INSERT INTO everlog.schema_migrations (version, name, checksum) VALUES (9999, 'new', '')",
    )
    for refusing in (migrations.check, migrations.migrate):
        with pytest.raises(SchemaTooNewError, match="migration new, which this everlog does not"):
            refusing(database_url)


def test_a_newer_schema_that_older_servers_go_on_with_is_right(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = migrations.available()
    last = ours[-1].version
    added = Migration(last + 1, "added", b"CREATE TABLE everlog.added ()", "a", last)
    later = Migration(last + 2, "later", b"CREATE TABLE everlog.later ()", "l", last + 1)
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "available", lambda: [*ours, added])
        assert migrations.planned(database_url) == [added]
        assert migrations.migrate(database_url) == [added]
    migrations.check(database_url)
    assert migrations.migrate(database_url) == []
    # The next one says that servers must know the one before it: this everlog is too old.
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "available", lambda: [*ours, added, later])
        migrations.migrate(database_url)
    for refusing in (migrations.check, migrations.migrate, migrations.planned):
        with pytest.raises(SchemaTooNewError, match=f"migration later.*last is {last:04}"):
            refusing(database_url)


@pytest.mark.parametrize(
    "lines",
    [
        "-- serves-from: 0002",
        "-- serves-from: 0003",
        "-- serves-from: 0000",
        "-- serves-from: 0001\n-- serves-from: 0001",
    ],
)
def test_a_migration_that_serves_what_is_not_before_it_is_refused(lines: str) -> None:
    with pytest.raises(EverlogError, match=r"0002_x\.sql: `-- serves-from:` must name one"):
        migrations._serves_from(lines.encode(), 2, Path("0002_x.sql"))


def test_a_migration_may_serve_older_servers() -> None:
    text = b"-- Why.\n-- serves-from: 0004\nSELECT 1;\n"
    assert migrations._serves_from(text, 7, Path("0007_x.sql")) == 4
    assert migrations._serves_from(b"SELECT 1", 7, Path("0007_x.sql")) == 7


def test_a_migration_that_was_edited_after_it_was_applied_is_refused(database_url: str) -> None:
    execute(database_url, "UPDATE everlog.schema_migrations SET checksum = 'x' WHERE version = 1")
    for refusing in (migrations.check, migrations.migrate):
        with pytest.raises(MigrationChangedError, match="0001"):
            refusing(database_url)


def test_a_failed_migration_leaves_no_trace(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = migrations.available()
    text = b"CREATE TABLE everlog.half (); SELECT 1 / 0"
    broken = Migration(len(ours) + 1, "9999_broken", text, "", len(ours) + 1)
    monkeypatch.setattr(migrations, "available", lambda: [*ours, broken])
    with pytest.raises(MigrationFailedError, match="9999_broken failed: division by zero"):
        migrations.migrate(database_url)
    assert execute(database_url, "SELECT to_regclass('everlog.half')").fetchone() == (None,)
    monkeypatch.undo()
    migrations.check(database_url)


def test_an_unreachable_database_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="PostgreSQL can't be reached") as refused:
        migrations.migrate(f"host={tmp_path} password=secret user=u dbname=d")
    assert "secret" not in str(refused.value)


def test_the_replayed_migrations_equal_the_committed_schema(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    committed = schema_snapshot.FILE.read_text()
    assert schema_snapshot.take(postgres, database_url) == committed, (
        "if the change is meant: python -m tests.integration.schema_snapshot"
    )


def test_an_owner_who_is_no_superuser_migrates_and_serves() -> None:
    """With CREATEROLE, and CREATE on the database: what managed PostgreSQL gives its first user."""
    server = EmbeddedPostgres(ephemeral=True)  # its own: `everlog_service` must not exist yet
    server.start()
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("CREATE ROLE owner LOGIN CREATEROLE")
            connection.execute("CREATE ROLE app LOGIN")
            connection.execute("CREATE DATABASE theirs OWNER owner")
        theirs = server.dsn.replace("/everlog?", "/theirs?")
        by_owner, by_app = (theirs.replace("postgres@", f"{name}@") for name in ("owner", "app"))
        assert migrations.migrate(by_owner)
        with psycopg.connect(by_owner, autocommit=True) as connection:
            connection.execute("GRANT everlog_service TO app")
        for dsn in (by_owner, by_app):
            migrations.check(dsn)
            with psycopg.connect(service_conninfo(dsn, StorageSettings())) as connection:
                found = connection.execute("SELECT current_user, count(*) FROM everlog.events")
                assert found.fetchone() == ("everlog_service", 0)
    finally:
        server.stop()


def test_who_may_not_migrate_is_told_what_a_superuser_has_to_run(empty_database_url: str) -> None:
    execute(empty_database_url, "DROP ROLE IF EXISTS unprepared")
    execute(empty_database_url, "CREATE ROLE unprepared LOGIN")
    unprepared = empty_database_url.replace("postgres@", "unprepared@")
    with pytest.raises(MigrationFailedError, match="GRANT everlog_service TO unprepared;"):
        migrations.migrate(unprepared)
    # Nothing but that is needed.
    with pytest.raises(MigrationFailedError) as caught:
        migrations.migrate(unprepared)
    for statement in caught.value.message.split("run: ")[1].split("; "):
        execute(empty_database_url, statement)
    migrations.migrate(unprepared)
    execute(empty_database_url, "REASSIGN OWNED BY unprepared TO postgres")
    execute(empty_database_url, "DROP OWNED BY unprepared; DROP ROLE unprepared")


def test_who_may_not_look_at_the_schema_gets_an_error_of_ours(database_url: str) -> None:
    execute(database_url, "DROP ROLE IF EXISTS stranger")
    execute(database_url, "CREATE ROLE stranger LOGIN")
    with pytest.raises(MigrationFailedError, match="permission denied"):
        migrations.check(database_url.replace("postgres@", "stranger@"))
    execute(database_url, "DROP ROLE stranger")


def test_a_refused_connection_says_what_postgres_said(database_url: str) -> None:
    with pytest.raises(StorageUnavailableError, match=r'refuses.*role "nobody_i_know" does not'):
        migrations.check(database_url.replace("postgres@", "nobody_i_know@"))
