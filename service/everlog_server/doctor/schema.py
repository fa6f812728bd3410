"""everlog's own part of the database: its schema, its role, its tables, its logs."""

from __future__ import annotations

from collections.abc import Iterator

from everlog_server.doctor.findings import Finding, fine, problem, warning
from everlog_server.errors import EverlogError
from everlog_server.storage import migrations
from everlog_server.storage.diagnosis import Facts, SchemaStatement, expected_statements

_MIB = 1024 * 1024
_DEAD_HEADS_MAX = 20_000
"""Ten times the threshold of their autovacuum."""
_DEAD_ROWS_MIN = 100_000
_DEAD_SHARE_MAX = 0.2
_HOT_SHARE_MIN = 0.9
_UPDATES_MIN = 1_000
_AHEAD_SECONDS_MAX = 5.0
_NAMES_SHOWN = 5


def check_migrations(dsn: str, *, connect_timeout_seconds: float) -> Iterator[Finding]:
    """Whether the schema is the one that this everlog works with."""
    try:
        migrations.check(dsn, connect_timeout_seconds=connect_timeout_seconds)
    except migrations.SchemaTooOldError as error:
        yield problem(
            "schema",
            error.message,
            why="this everlog does not start on it, unless it may migrate",
            command="everlog migrate",
        )
    except migrations.SchemaTooNewError as error:
        yield problem(
            "schema",
            error.message,
            why="this everlog refuses to start on what it can't serve",
            command="install the newer everlog; there is no way back but a restore",
        )
    except migrations.MigrationChangedError as error:
        yield problem(
            "schema",
            error.message,
            why="nobody knows what this schema is",
            command="install the everlog that migrated it, and compare",
        )
    except EverlogError as error:
        yield problem(
            "schema",
            error.message,
            why="everlog can't look at its schema, and won't start",
            command="GRANT everlog_service TO the user of storage.database_url;",
        )
    else:
        last = migrations.available()[-1]
        yield fine("schema", f"up to date: {last.name}")


def check_role(facts: Facts) -> Iterator[Finding]:
    """Whether the service could do more than read and append."""
    role, identity = facts.row("service_role"), facts.row("identity")
    assert identity is not None  # noqa: S101  it has one row
    if role is None:
        yield problem(
            "role",
            "there is no role everlog_service",
            why="every connection of the service acts as it",
            command="CREATE ROLE everlog_service NOLOGIN; GRANT everlog_service TO the user;"
            " then everlog migrate",
        )
        return
    powers = {
        "SUPERUSER": role["rolsuper"],
        "CREATEROLE": role["rolcreaterole"],
        "CREATEDB": role["rolcreatedb"],
        "BYPASSRLS": role["rolbypassrls"],
        "REPLICATION": role["rolreplication"],
    }
    if surplus := [name for name, has in powers.items() if has]:
        yield problem(
            "role",
            f"everlog_service is {', '.join(surplus)}",
            why="what the service can't do, a defect or a stolen connection can't do either",
            command=f"ALTER ROLE everlog_service {' '.join(f'NO{name}' for name in surplus)};",
        )
    if owned := role["owned"]:
        yield problem(
            "role",
            f"everlog_service owns {_some(owned)}",
            why="an owner may change what it owns: history too",
            command=f"ALTER TABLE {owned[0]} OWNER TO the role that migrates;",
        )
    if not role["login_is_member"]:
        yield problem(
            "role",
            f"{identity['login']} may not act as everlog_service",
            why="the service can't connect",
            command=f"GRANT everlog_service TO {identity['login']};",
        )
    elif not surplus and not owned:
        yield fine("role", "everlog_service reads, and executes functions, and nothing else")


def check_statements(facts: Facts) -> Iterator[Finding]:
    """Whether the indexes, triggers and grants are those that the migrations made."""
    found = {(each.kind, each.name) for each in facts.schema_statements()}
    expected = expected_statements()
    for row in facts.rows("invalid_indexes"):
        yield problem(
            "indexes",
            f"index {row['name']} of {row['table']} is invalid",
            why="it costs every append, and serves no read; a unique one does not keep its promise",
            command=f"REINDEX INDEX CONCURRENTLY everlog.{row['name']};",
        )
    invalid = {row["name"] for row in facts.rows("invalid_indexes")}
    missing = [
        each
        for each in expected
        if (each.kind, each.name) not in found
        and not (each.kind == "index" and each.name in invalid)
    ]
    yield from map(_missing, missing)
    for kind, check in (("index", "indexes"), ("trigger", "triggers"), ("wall", "walls")):
        if not invalid and not any(each.kind == kind for each in missing):
            yield fine(check, "all are there, and used")
    known = {(each.kind, each.name) for each in expected}
    surplus = [name for kind, name in sorted(found - known) if kind == "grant"]
    # One that is a superuser may do anything: said already, and once.
    role = facts.row("service_role")
    if surplus and role is not None and not role["rolsuper"]:
        yield problem(
            "grants",
            f"everlog_service may {_some(surplus)}",
            why="what the service can't do, a defect or a stolen connection can't do either",
            command=" ".join(f"REVOKE {grant} FROM everlog_service;" for grant in surplus)
            + " (or from PUBLIC, or the role that has it)",
        )
    elif not any(each.kind == "grant" for each in missing):
        yield fine("grants", "those that the migrations gave")


def _missing(each: SchemaStatement) -> Finding:
    if each.kind == "index":
        unique = "CREATE UNIQUE" in each.statement
        what = "keeps no promise" if unique else "reads the whole log"
        return problem(
            "indexes",
            f"index {each.name} is missing",
            why=f"without it PostgreSQL {what}, for those who ask by it",
            command=each.statement.replace(" INDEX ", " INDEX CONCURRENTLY ", 1) + ";",
        )
    if each.kind == "trigger":
        return problem(
            "triggers",
            f"trigger {each.name} is missing or disabled",
            why="it keeps the log append-only, also for the owner, or a frozen tenant frozen",
            command=f"{each.statement};",
        )
    if each.kind == "wall":
        return problem(
            "walls",
            f"{each.name} is missing",
            why="it keeps tenants apart should the service's own checks fail",
            command=f"{each.statement};",
        )
    return problem(
        "grants",
        f"everlog_service may not {each.name}",
        why="calls that need it fail with INTERNAL",
        command=f"{each.statement};",
    )


def check_tables(facts: Facts) -> Iterator[Finding]:
    """Whether autovacuum keeps up."""
    bad = False
    for row in facts.rows("tables"):
        live, dead, updates = row["live"], row["dead"], row["updates"]
        most = _DEAD_HEADS_MAX
        if row["name"] != "tenants":
            most = max(_DEAD_ROWS_MIN, int(live * _DEAD_SHARE_MAX))
        if dead > most:
            bad = True
            yield warning(
                "bloat",
                f"everlog.{row['name']} has {dead:,} dead rows beside {live:,} live ones",
                why="every append reads its tenant's row, and all its dead versions",
                command=f"VACUUM (VERBOSE) everlog.{row['name']}; if it removes none, look for long"
                " transactions and inactive slots",
            )
        if row["name"] == "tenants" and updates >= _UPDATES_MIN:
            share = row["hot_updates"] / updates
            if share < _HOT_SHARE_MIN:
                bad = True
                yield warning(
                    "bloat",
                    f"of the updates of everlog.tenants only {share:.0%} were heap-only",
                    why="each append then writes the index too, and its dead versions stay longer",
                    command="VACUUM FULL everlog.tenants; (it takes a moment, appends wait);"
                    " ALTER TABLE everlog.tenants SET (fillfactor = 10);",
                )
    if not bad:
        yield fine("bloat", "autovacuum keeps up")


def check_logs(facts: Facts) -> Iterator[Finding]:
    """Whether each log ends where its head says, and its times are not of the future."""
    rows = facts.rows("logs")
    bad = False
    for row in rows:
        tenant, head, last = row["tenant"], row["head"], row["last_position"]
        if head != last or row["first_position"] != 1:
            bad = True
            yield problem(
                "logs",
                f"tenant {tenant}: the head is {head:,}, the events are"
                f" {row['first_position']:,} to {last:,}",
                why="positions have no gaps, ever: somebody has changed the tables by hand, or"
                " restored a part of them",
                command="stop the servers, and restore the whole schema from one backup",
            )
        if row["ahead_seconds"] > _AHEAD_SECONDS_MAX:
            bad = True
            yield warning(
                "logs",
                f"tenant {tenant}: the last event was recorded {row['ahead_seconds']:,.0f} s in the"
                " future",
                why="record times never run backwards: they stand until the clock gets there",
                command="correct the clock of the machine that wrote it; nothing else can be done",
            )
    if not bad:
        yield fine("logs", f"tenants: {len(rows):,}; each log ends where its head says")


def check_sizes(facts: Facts) -> Iterator[Finding]:
    """How much disk is used: to be told, nobody here knows how much there is."""
    row = facts.row("sizes")
    assert row is not None  # noqa: S101  it has one row
    database, schema = row["database_bytes"] // _MIB, row["schema_bytes"] // _MIB
    yield fine("disk", f"{database:,} MiB of the database, {schema:,} MiB of everlog")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
