"""PostgreSQL itself: its version, its settings, its connections, and what holds it up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from everlog_server.doctor.findings import Finding, fine, problem, warning
from everlog_server.settings import Settings
from everlog_server.storage.database import connections_max
from everlog_server.storage.diagnosis import Facts

_MIB = 1024 * 1024
_VERSION_MIN = 150_000
_CLOCK_WARNING_SECONDS, _CLOCK_PROBLEM_SECONDS = 1.0, 30.0
_SLOT_KEPT_BYTES_MAX = 1024 * _MIB
_XID_AGE_PROBLEM = 1_500_000_000
_XID_AGE_FACTOR = 2


@dataclass(frozen=True, slots=True)
class _Needed:
    """A setting that must not have some values."""

    name: str
    wrong: tuple[str, ...]
    right: str
    why: str
    needs_restart: bool = False


_DURABLE = "a receipt says that an event is durable; like this a crash may take it back"
_VACUUM = "dead versions of everlog.tenants pile up, and every append wades through them"
_SETTINGS = (
    _Needed("fsync", ("off",), "on", f"{_DURABLE}, or leave the database unusable"),
    _Needed("synchronous_commit", ("off",), "on", _DURABLE),
    _Needed("full_page_writes", ("off",), "on", "a crash may leave half-written pages"),
    _Needed("autovacuum", ("off",), "on", _VACUUM),
    _Needed("track_counts", ("off",), "on", f"autovacuum works by these counts: {_VACUUM}"),
)
_ADVISED = (
    _Needed(
        "wal_level",
        ("minimal",),
        "replica",
        "neither base backups nor standbys can be made",
        needs_restart=True,
    ),
    _Needed("zero_damaged_pages", ("on",), "off", "damaged pages are emptied without a word"),
)
_SHARED_BUFFERS_MIN = 128 * _MIB
_UNITS = {"kB": 1024, "MB": _MIB, "GB": 1024 * _MIB, "TB": 1024 * 1024 * _MIB, "B": 1}


def check_version(facts: Facts) -> Iterator[Finding]:
    """Whether this PostgreSQL is new enough, and writes."""
    identity = facts.row("identity")
    assert identity is not None  # noqa: S101  it has one row
    version = identity["version"]
    if identity["version_number"] < _VERSION_MIN:
        yield problem(
            "version",
            f"PostgreSQL {version}",
            why="everlog needs PostgreSQL 15 or later",
            command="upgrade PostgreSQL: pg_upgrade, or dump and restore",
        )
    elif identity["is_standby"]:
        yield fine("version", f"PostgreSQL {version}, a standby: it reads, and refuses Emits")
    else:
        yield fine("version", f"PostgreSQL {version}")


def check_settings(facts: Facts) -> Iterator[Finding]:
    """Whether receipts mean what they say, and whether tables are looked after."""
    names = [each.name for each in (*_SETTINGS, *_ADVISED)]
    values = {
        row["name"]: row["value"]
        for row in facts.rows("settings", names=[*names, "shared_buffers"])
    }
    bad = False
    for group, tell in ((_SETTINGS, problem), (_ADVISED, warning)):
        for each in group:
            if values.get(each.name) in each.wrong:
                bad = True
                then = (
                    "and restart PostgreSQL" if each.needs_restart else "SELECT pg_reload_conf();"
                )
                yield tell(
                    "settings",
                    f"{each.name} is {values[each.name]}",
                    why=each.why,
                    command=f"ALTER SYSTEM SET {each.name} = '{each.right}'; {then}",
                )
    if (size := _bytes_of(values["shared_buffers"])) < _SHARED_BUFFERS_MIN:
        bad = True
        yield warning(
            "settings",
            f"shared_buffers is {values['shared_buffers']}",
            why=f"the indexes' upper pages do not fit into {size // _MIB} MiB: appends read from"
            " the disk",
            command="ALTER SYSTEM SET shared_buffers = '256MB'; and restart PostgreSQL;"
            " a quarter of the machine's memory is usual",
        )
    if not bad:
        yield fine("settings", "durable, and vacuumed")


def _bytes_of(text: str) -> int:
    number = text.rstrip("kMGTB")
    return int(number) * _UNITS.get(text[len(number) :], 8192)


def check_connections(facts: Facts, loaded: Settings) -> Iterator[Finding]:
    """Whether all workers can have all the connections that their settings allow."""
    row = facts.row("connections")
    assert row is not None  # noqa: S101  it has one row
    workers = loaded.server.workers
    each = connections_max(loaded.storage, loaded.append)
    wanted, room = workers * each, row["most"] - row["reserved"]
    who = "the server may want" if workers == 1 else f"{workers} workers may want"
    text = f"{who} {wanted}, {room} are allowed, {row['others']} taken by others"
    if wanted <= room - row["others"]:
        yield fine("connections", text)
        return
    tell = problem if wanted > room else warning
    yield tell(
        "connections",
        text,
        why="under load, connections will be refused: STORAGE_UNAVAILABLE",
        command=f"ALTER SYSTEM SET max_connections = {row['most'] + wanted - room + row['others']};"
        " and restart PostgreSQL; or lower append.connections_max or server.workers",
    )


def check_transactions(facts: Facts, *, seconds: float) -> Iterator[Finding]:
    """Whether anything keeps dead rows from being removed."""
    bad = False
    why = "nothing that died since can be vacuumed, in the whole cluster: appends get slower"
    for row in facts.rows("long_transactions", seconds=seconds):
        bad = True
        yield warning(
            "transactions",
            f"pid {row['pid']} ({row['user']}, {row['application'] or 'no name'}) is in a"
            f" transaction for {row['seconds']:.0f} s, {row['state']}",
            why=why,
            command=f"SELECT pg_terminate_backend({row['pid']}); and for the next one:"
            f" ALTER ROLE {row['user']} SET idle_in_transaction_session_timeout = '1min'",
        )
    for row in facts.rows("prepared_transactions", seconds=seconds):
        bad = True
        yield warning(
            "transactions",
            f"transaction {row['gid']!r} is prepared for {row['seconds']:.0f} s",
            why=why,
            command=f"ROLLBACK PREPARED {_literal(row['gid'])}; or COMMIT PREPARED,"
            " if its other half was committed",
        )
    if not bad:
        yield fine("transactions", f"none is open for longer than {seconds:g} s")


def check_slots(facts: Facts) -> Iterator[Finding]:
    """Whether a standby that is gone keeps all WAL."""
    slots = facts.rows("inactive_slots")
    for row in slots:
        kept_mib = row["kept_bytes"] // _MIB
        bad = row["kept_bytes"] > _SLOT_KEPT_BYTES_MAX or row["wal_status"] == "lost"
        tell = problem if bad else warning
        yield tell(
            "slots",
            f"nobody reads replication slot {row['name']}; it keeps {kept_mib} MiB of WAL",
            why="WAL is kept for it until the disk is full; then PostgreSQL stops",
            command=f"start its reader again, or SELECT pg_drop_replication_slot("
            f"{_literal(row['name'])});",
        )
    if not slots:
        yield fine("slots", "none is inactive")


def check_clock(facts: Facts) -> Iterator[Finding]:
    """Whether this machine and PostgreSQL's agree on the time."""
    before = time.time()
    row = facts.row("clock")
    after = time.time()
    assert row is not None  # noqa: S101  it has one row
    # What the way there and back took can be on either side.
    difference = row["seconds"] - (before + after) / 2
    beyond = max(0.0, abs(difference) - (after - before) / 2)
    if beyond < _CLOCK_WARNING_SECONDS:
        yield fine("clock", f"here and at PostgreSQL the same, to {after - before:.3f} s")
        return
    tell = problem if beyond > _CLOCK_PROBLEM_SECONDS else warning
    ahead = "ahead of" if difference > 0 else "behind"
    yield tell(
        "clock",
        f"PostgreSQL's clock is {abs(difference):.1f} s {ahead} this machine's",
        why="record times are of the servers' clocks: with several servers, they jump and stand",
        command="chronyc tracking (or timedatectl timesync-status) on both machines",
    )


def check_transaction_ids(facts: Facts) -> Iterator[Finding]:
    """How far it is to the point where PostgreSQL refuses to write."""
    row = facts.row("transaction_ids")
    assert row is not None  # noqa: S101  it has one row
    age, limit = row["age"], min(row["freeze_age"] * _XID_AGE_FACTOR, _XID_AGE_PROBLEM)
    text = f"the oldest is {age:,} transactions old"
    if age < limit:
        yield fine("transaction_ids", text)
        return
    tell = problem if age >= _XID_AGE_PROBLEM else warning
    yield tell(
        "transaction_ids",
        text,
        why="at 2,000 million PostgreSQL refuses to write; autovacuum does not come to its end",
        command="look for what holds it up (transactions, slots), then VACUUM (FREEZE, VERBOSE);",
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
