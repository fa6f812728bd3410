"""The examination: one check after the other, whatever the others find."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from everlog_server.doctor import postgres, schema
from everlog_server.doctor.findings import Finding, Severity, fine, problem, warning
from everlog_server.settings import Settings
from everlog_server.storage.diagnosis import NotVisibleError, looking_at

_GIB = 1024**3
_FREE_SHARE_WARNING, _FREE_SHARE_PROBLEM = 0.1, 0.03


def examine(dsn: str, loaded: Settings, *, transaction_seconds: float) -> Iterator[Finding]:
    """Looks at a database; raises StorageUnavailableError when it does not answer.

    Transactions that are open for longer than `transaction_seconds` are found.
    """
    seconds = loaded.storage.connect_timeout_seconds
    with looking_at(dsn, connect_timeout_seconds=seconds) as facts:
        yield from _try("version", partial(postgres.check_version, facts))
        migrated = list(schema.check_migrations(dsn, connect_timeout_seconds=seconds))
        yield from migrated
        checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
            ("settings", partial(postgres.check_settings, facts)),
            ("connections", partial(postgres.check_connections, facts, loaded)),
            (
                "transactions",
                partial(postgres.check_transactions, facts, seconds=transaction_seconds),
            ),
            ("slots", partial(postgres.check_slots, facts)),
            ("clock", partial(postgres.check_clock, facts)),
            ("transaction_ids", partial(postgres.check_transaction_ids, facts)),
            ("disk", partial(schema.check_sizes, facts)),
        ]
        if all(finding.severity is Severity.FINE for finding in migrated):
            # Of another schema, nobody knows what it should have.
            checks += [
                ("role", partial(schema.check_role, facts)),
                ("schema", partial(schema.check_statements, facts)),
                ("bloat", partial(schema.check_tables, facts)),
                ("logs", partial(schema.check_logs, facts)),
            ]
        for name, check in checks:
            yield from _try(name, check)


def examine_disk(folder: Path) -> Iterator[Finding]:
    """Looks how much room there is where an embedded PostgreSQL has its data."""
    usage = shutil.disk_usage(folder)
    share = usage.free / usage.total
    text = f"{usage.free / _GIB:.1f} GiB ({share:.0%}) are free for {folder}"
    if share >= _FREE_SHARE_WARNING:
        yield fine("disk", text)
        return
    tell = problem if share < _FREE_SHARE_PROBLEM else warning
    yield tell(
        "disk",
        text,
        why="without room for WAL, PostgreSQL stops",
        command="make room, or move the data folder to a larger disk while everlog is stopped",
    )


def _try(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from list(check())
    except NotVisibleError as error:
        yield Finding(
            check=name,
            severity=Severity.UNKNOWN,
            what=error.message,
            why="this login does not see it",
            command="GRANT pg_read_all_stats TO the user; or run the doctor as a superuser",
        )
