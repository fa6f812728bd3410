"""`everlog doctor` finds what is really wrong, says what mends it, and that mends it."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import orjson
import psycopg
import pytest
from click.testing import CliRunner

from everlog_server.cli import everlog
from everlog_server.doctor import Finding, Severity, examine, examine_disk
from everlog_server.errors import StorageUnavailableError
from everlog_server.settings import AppendSettings, ServerSettings, Settings
from everlog_server.storage import migrations
from everlog_server.storage.diagnosis import expected_statements
from everlog_server.storage.embedded import EmbeddedPostgres
from tests.integration import schema_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_SECONDS = 1000.0


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def found(
    dsn: str, loaded: Settings | None = None, *, transaction_seconds: float = LONG_SECONDS
) -> list[Finding]:
    findings = examine(dsn, loaded or Settings(), transaction_seconds=transaction_seconds)
    return [finding for finding in findings if finding.severity is not Severity.FINE]


def the_finding(dsn: str, loaded: Settings | None = None, **options: float) -> Finding:
    """The only one that is not fine, whole."""
    (finding,) = found(dsn, loaded, **options)
    assert finding.why
    assert finding.command
    return finding


def test_what_the_migrations_make_is_what_is_expected(database_url: str) -> None:
    """Else: `python -m tests.integration.schema_snapshot`."""
    assert expected_statements() == schema_snapshot.statements(database_url)


def test_a_new_database_is_fine(database_url: str) -> None:
    assert found(database_url) == []


BROKEN = {
    "index": ("DROP INDEX everlog.events_user_id_idx", "indexes", "events_user_id_idx is missing"),
    "unique index": (
        "DROP INDEX everlog.events_idempotency_key_key",
        "indexes",
        "events_idempotency_key_key is missing",
    ),
    "trigger": (
        "ALTER TABLE everlog.events DISABLE TRIGGER events_are_append_only",
        "triggers",
        "events_are_append_only is missing or disabled",
    ),
    "open wall": (
        "ALTER TABLE everlog.events DISABLE ROW LEVEL SECURITY",
        "walls",
        "row-level security of everlog.events is missing",
    ),
    "lost policy": (
        "DROP POLICY of_admitted_tenant ON everlog.events",
        "walls",
        "policy of_admitted_tenant of everlog.events is missing",
    ),
    "lost grant": (
        "REVOKE SELECT ON everlog.events FROM everlog_service",
        "grants",
        "may not SELECT ON everlog.events",
    ),
    "lost function": (
        "REVOKE EXECUTE ON FUNCTION everlog.raise_epoch FROM everlog_service",
        "grants",
        "may not EXECUTE ON FUNCTION everlog.raise_epoch(integer)",
    ),
    "surplus grant": (
        "GRANT DELETE, UPDATE ON everlog.events TO everlog_service",
        "grants",
        "may DELETE ON everlog.events, UPDATE ON everlog.events",
    ),
    "grant to all": (
        "GRANT INSERT ON everlog.tenants TO PUBLIC",
        "grants",
        "may INSERT ON everlog.tenants",
    ),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_what_differs_from_the_migrations_is_found_and_mended_by_the_command(
    database_url: str, case: tuple[str, str, str]
) -> None:
    breaking, check, what = case
    execute(database_url, breaking)
    finding = the_finding(database_url)
    assert (finding.check, finding.severity) == (check, Severity.PROBLEM)
    assert what in finding.what
    command = finding.command.partition(" (or from")[0]
    if "PUBLIC" in breaking:
        assert "or from PUBLIC" in finding.command
        command = command.replace("everlog_service", "PUBLIC")
    execute(database_url, *filter(None, command.split("; ")))
    assert found(database_url) == []


def test_an_invalid_index_is_found_once(database_url: str) -> None:
    execute(
        database_url,
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'everlog.events_user_id_idx'::regclass",
    )
    finding = the_finding(database_url)
    assert finding.what == "index events_user_id_idx of everlog.events is invalid"
    execute(database_url, finding.command)
    assert found(database_url) == []


def test_a_schema_that_is_behind_is_found(database_url: str, empty_database_url: str) -> None:
    behind = [finding for finding in found(empty_database_url) if finding.check == "schema"]
    assert [finding.command for finding in behind] == ["everlog migrate"]
    insert = "INSERT INTO everlog.schema_migrations (version, name, checksum)"
    execute(database_url, f"{insert} VALUES (9999, 'of_tomorrow', '')")
    ahead = the_finding(database_url)
    assert "of_tomorrow" in ahead.what
    assert "newer everlog" in ahead.command


def test_a_head_beyond_the_events_is_found(database_url: str) -> None:
    execute(
        database_url,
        "UPDATE everlog.tenants SET head = 7, head_event_id = gen_random_uuid(),"
        " last_record_time = now()",
    )
    finding = the_finding(database_url)
    assert finding.what == "tenant default: the head is 7, the events are 1 to 0"
    assert finding.severity is Severity.PROBLEM


def test_a_record_time_of_the_future_is_found(database_url: str) -> None:
    execute(
        database_url,
        "UPDATE everlog.tenants SET last_record_time = now() + interval '1 day', head = 1,"
        " head_event_id = gen_random_uuid()",
    )
    whats = [finding.what for finding in found(database_url)]
    assert any("s in the future" in what for what in whats), whats


def test_an_open_transaction_is_found(database_url: str) -> None:
    with psycopg.connect(database_url, application_name="forgotten") as connection:
        connection.execute("SELECT 1")
        finding = the_finding(database_url, transaction_seconds=0)
        assert "(postgres, forgotten) is in a transaction" in finding.what
        assert f"pg_terminate_backend({connection.info.backend_pid})" in finding.command
    assert found(database_url, transaction_seconds=0) == []


def test_dead_heads_are_found(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE everlog.tenants SET (autovacuum_enabled = off, fillfactor = 100)"
        )
        # The heads of many tenants, for they die together.
        connection.execute("INSERT INTO everlog.tenants SELECT n FROM generate_series(2, 12000) n")
        for _ in range(2):
            connection.execute("UPDATE everlog.tenants SET epoch = epoch + 1")
        connection.execute("SELECT pg_stat_force_next_flush()")
    findings = [finding for finding in found(database_url) if finding.check == "bloat"]
    dead, hot = findings
    assert "dead rows" in dead.what
    assert "heap-only" in hot.what
    execute(database_url, dead.command.partition(";")[0])


def test_more_connections_than_there_may_be_are_found(database_url: str) -> None:
    # max_connections is 100, of which PostgreSQL keeps 3.
    finding = the_finding(database_url, Settings(server=ServerSettings(workers=3)))
    assert (finding.check, finding.severity) == ("connections", Severity.PROBLEM)
    # All pools of `Database`, the appends of 20 tenants, and one for hints: 49 a process.
    assert finding.what.startswith("3 workers may want 147, 97 are allowed")
    few = Settings(server=ServerSettings(workers=3), append=AppendSettings(connections_max=2))
    assert found(database_url, few) == []


def test_a_login_that_sees_little_is_told_so(database_url: str) -> None:
    execute(
        database_url,
        "DROP ROLE IF EXISTS everlog_outsider",
        "CREATE ROLE everlog_outsider LOGIN",
    )
    url = urlsplit(database_url)
    mine = url._replace(netloc=f"everlog_outsider@{url.netloc.rpartition('@')[2]}").geturl()
    try:
        findings = found(mine)
    finally:
        execute(database_url, "DROP ROLE everlog_outsider")
    assert any(finding.check == "schema" for finding in findings), findings


@pytest.fixture(scope="module")
def careless() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with every bad setting, a slot that nobody reads, and one that is prepared."""
    server = EmbeddedPostgres(ephemeral=True)
    server.start()
    for name, value in (
        ("max_prepared_transactions", "5"),
        ("shared_buffers", "16MB"),
        ("wal_level", "logical"),
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("autovacuum", "off"),
        ("track_counts", "off"),
    ):
        execute(server.dsn, f"ALTER SYSTEM SET {name} = '{value}'")
    cluster = server.data_dir / "pgdata"
    owner = cluster.stat().st_uid
    subprocess.run(
        [server.programs / "pg_ctl", "restart", "-w", "-s", "-D", cluster, "-m", "fast"],
        check=True,
        user=owner,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )
    yield server
    server.stop()


def test_each_bad_setting_is_found(careless: EmbeddedPostgres) -> None:
    bad = {f.what: f for f in found(careless.dsn) if f.check == "settings"}
    assert set(bad) == {
        "fsync is off",
        "synchronous_commit is off",
        "full_page_writes is off",
        "autovacuum is off",
        "track_counts is off",
        "shared_buffers is 16MB",
    }
    assert bad["fsync is off"].severity is Severity.PROBLEM
    assert bad["shared_buffers is 16MB"].severity is Severity.WARNING
    set_it, reload_it, _ = bad["fsync is off"].command.split(";")
    execute(careless.dsn, set_it, reload_it)
    with contextlib.suppress(StopIteration):
        while next(f for f in found(careless.dsn) if f.what == "fsync is off"):
            pass  # until the postmaster has told us


def test_an_inactive_slot_is_found_and_dropped(careless: EmbeddedPostgres) -> None:
    execute(
        careless.dsn,
        "SELECT pg_create_physical_replication_slot('left_over', true)",
    )
    (slot,) = [f for f in found(careless.dsn) if f.check == "slots"]
    assert "nobody reads replication slot left_over" in slot.what
    execute(careless.dsn, slot.command[slot.command.index("SELECT") :])
    assert not [f for f in found(careless.dsn) if f.check == "slots"]


def test_a_prepared_transaction_is_found_and_ended(careless: EmbeddedPostgres) -> None:
    with psycopg.connect(careless.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.t (n int)")
        connection.execute("BEGIN; INSERT INTO public.t VALUES (1)")
        connection.execute("PREPARE TRANSACTION 'it''s mine'")
    prepared = [
        f
        for f in found(careless.dsn, transaction_seconds=0)
        if f.check == "transactions" and "prepared" in f.what
    ]
    (finding,) = prepared
    execute(careless.dsn, finding.command.partition(";")[0])
    assert not [f for f in found(careless.dsn, transaction_seconds=0) if "prepared" in f.what]


def test_a_mighty_service_role_is_found(careless: EmbeddedPostgres) -> None:
    migrations.migrate(careless.dsn)
    execute(
        careless.dsn,
        "ALTER ROLE everlog_service SUPERUSER CREATEDB",
        "ALTER TABLE everlog.catalogs OWNER TO everlog_service",
    )
    powers, owned = [f for f in found(careless.dsn) if f.check == "role"]
    assert powers.what == "everlog_service is SUPERUSER, CREATEDB"
    assert owned.what == "everlog_service owns everlog.catalogs"
    execute(careless.dsn, powers.command, "ALTER TABLE everlog.catalogs OWNER TO postgres")
    # With the ownership went what the owner was granted.
    (lost,) = [f for f in found(careless.dsn) if f.check in {"role", "grants"}]
    assert lost.what == "everlog_service may not SELECT ON everlog.catalogs"
    execute(careless.dsn, lost.command)
    assert not [f for f in found(careless.dsn) if f.check in {"role", "grants"}]


def test_a_clock_that_is_off_is_found(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    really = time.time
    for off, severity in ((10, Severity.WARNING), (-60, Severity.PROBLEM)):
        monkeypatch.setattr("time.time", lambda off=off: really() + off)
        finding = the_finding(database_url)
        assert (finding.check, finding.severity) == ("clock", severity)
        side = "behind" if off > 0 else "ahead of"
        assert f" s {side} this machine's" in finding.what


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, severity in ((50, Severity.FINE), (9, Severity.WARNING), (2, Severity.PROBLEM)):
        usage = type("Usage", (), {"total": 100, "used": 100 - free, "free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        (finding,) = examine_disk(tmp_path)
        assert finding.severity is severity


def test_a_database_out_of_reach_is_no_finding(tmp_path: Path) -> None:
    dsn = f"postgresql://postgres@/everlog?host={quote(str(tmp_path), safe='')}"
    with pytest.raises(StorageUnavailableError):
        found(dsn)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(everlog, ["doctor", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_says_it_in_lines_or_json_and_by_its_exit_code(
    database_url: str, tmp_path: Path
) -> None:
    nobody = ("--url", "everlog://127.0.0.1:1")
    code, lines, _ = run("--database-url", database_url, *nobody)
    assert code == 6
    assert "warning  server          nobody answers at everlog://127.0.0.1:1" in lines
    assert "→ everlog serve" in lines

    execute(database_url, "DROP INDEX everlog.events_user_id_idx")
    code, lines, _ = run("--database-url", database_url, "--json", *nobody)
    assert code == 7
    findings = [orjson.loads(line) for line in lines.splitlines()]
    (index,) = [finding for finding in findings if finding["check"] == "indexes"]
    assert index["severity"] == "problem"
    assert index["command"].startswith("CREATE INDEX CONCURRENTLY events_user_id_idx ON")

    missing = tmp_path / "nothing"
    code, _, words = run("--data-dir", str(missing))
    assert code == 5
    assert f"no embedded PostgreSQL runs in {missing}" in words
    assert "--data-dir" in words
    assert not missing.exists()
