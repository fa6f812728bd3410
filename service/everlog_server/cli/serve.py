"""`everlog serve` and `everlog migrate`."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import structlog

from everlog_server import logs, settings, supervisor
from everlog_server.cli.options import settings_options
from everlog_server.errors import EverlogError, StorageUnavailableError
from everlog_server.settings import SettingsError
from everlog_server.storage import migrations
from everlog_server.storage.provision import prepare_schema, provided
from everlog_server.supervisor import check_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from everlog_server.settings import ServerSettings, Settings

# As cli/failures.py has them, which imports the client and with it grpc.
_REFUSED = 3
_UNAVAILABLE = 5
_VERSION = version("everlog-server")

_log = structlog.get_logger(__name__)


@click.command()
@click.option("--as-worker", is_flag=True, hidden=True)
@settings_options(
    "server",
    "identity",
    "storage",
    "append",
    "subscriptions",
    "projections",
    "limits",
    "narrator",
    "log",
    "metrics",
)
def serve(loaded: Settings, *, as_worker: bool) -> None:
    """Serve the event store, until Ctrl-C or SIGTERM.

    Without a database of yours, everlog runs a PostgreSQL of its own, and says where its data lies.
    Each setting may also come from the environment (its variable is given in brackets) or from a
    TOML file.
    """
    if as_worker:
        _work()
        return
    logs.configure(loaded.log)
    _unwind_on_sigterm()
    for name in settings.unknown_variables():
        _log.warning("unknown_variable", name=name)
    with errors_shown():
        # What can be wrong is looked at before PostgreSQL is started and migrated.
        settings.check_exposure(loaded)
        _check_tls(loaded.server)
        check_ports(loaded)
        if loaded.server.ready_file is not None:
            _check_writable(loaded.server.ready_file)
    with errors_shown(), provided(loaded.storage) as database:
        _say("everlog", f"version {_VERSION}", version=_VERSION)
        _say("database", database.description, description=database.description)
        for name in prepare_schema(database.dsn, loaded.storage):
            _log.info("migration_applied", name=name)
        _warn_of_exposure(loaded)
        values = settings.redacted(loaded)
        _log.info("limits", **{n: v for n, v in values.items() if n.endswith("_max")})
        _log.debug("settings", **values)

        ready_file = loaded.server.ready_file

        def on_serving(address: str) -> None:
            workers = loaded.server.workers
            by_whom = f", {workers} workers" if workers > 1 else ""
            tls = "plaintext" if loaded.server.tls_certificate is None else "TLS"
            text = f"point clients at {address} (gRPC, {tls}{by_whom})"
            identity = loaded.identity.mode
            _say("serving", text, address=address, workers=workers, tls=tls, identity=identity)
            if ready_file is not None:
                _write_whole(ready_file, json.dumps({"address": address, "pid": os.getpid()}))

        try:
            if loaded.server.workers > 1:
                # Not `app`: a process that has imported grpc must not start others.
                supervisor.run(loaded, database.dsn, on_serving=on_serving)
            else:
                app = _import_app()
                app.run(loaded, database.dsn, on_serving=on_serving)
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)


@click.command()
@click.option("--plan", is_flag=True, help="Say what would be done, and who may go on meanwhile.")
@settings_options("storage", "log")
def migrate(loaded: Settings, *, plan: bool) -> None:
    """Bring the database's schema up to date, and stop.

    `everlog serve` does the same at its start, unless told --no-migrate-at-start.
    """
    logs.configure(loaded.log)
    _unwind_on_sigterm()
    with errors_shown(), provided(loaded.storage) as database:
        click.echo(f"database: {database.description}")
        if plan:
            _show_plan(database.dsn, loaded)
            return
        applied = migrations.migrate(
            database.dsn, connect_timeout_seconds=loaded.storage.connect_timeout_seconds
        )
        for migration in applied:
            click.echo(f"applied {migration.name}")
        if not applied:
            click.echo("the schema is up to date")


def _show_plan(dsn: str, loaded: Settings) -> None:
    missing = migrations.planned(
        dsn, connect_timeout_seconds=loaded.storage.connect_timeout_seconds
    )
    for migration in missing:
        click.echo(f"would apply {migration.name}")
    if not missing:
        click.echo("the schema is up to date")
        return
    oldest = max(migration.serves_from for migration in missing)
    if oldest < missing[0].version:
        click.echo(f"servers whose last migration is {oldest:04} or later may go on meanwhile")
    else:
        click.echo("stop all servers first: older ones can't go on with this schema")


def _work() -> None:
    """One process of several: its settings come on standard input, which ends with its parent."""
    app = _import_app()
    loaded = settings.from_json(sys.stdin.readline())
    logs.configure(loaded.log)
    structlog.contextvars.bind_contextvars(worker=os.getpid())
    dsn = loaded.storage.database_url
    assert dsn is not None, "the parent has chosen the database"  # noqa: S101

    def on_serving(address: str) -> None:
        click.echo(address)  # The parent waits for this line.

    with errors_shown():
        app.run(loaded, dsn, on_serving=on_serving, lifeline=sys.stdin.fileno())


def _import_app() -> ModuleType:
    """Imports gRPC: late, because only a process that serves needs it and its threads."""
    # We start programs (pg_ctl), and never use gRPC in a fork: its handlers would only complain.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    from everlog_server import app  # noqa: PLC0415

    return app


def _say(what: str, text: str, **facts: object) -> None:
    """Tells a person in a terminal `what` and the text, or else the log `what` and the facts."""
    if sys.stdout.isatty():
        click.echo(f"{click.style(f'{what:>9}', bold=True)}  {text}")
    else:
        _log.info(what, **facts)


def _unwind_on_sigterm() -> None:
    """Has SIGTERM leave the open blocks, as Ctrl-C does, where no event loop catches it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@contextmanager
def errors_shown() -> Iterator[None]:
    """Says what went wrong in one line, and how in the exit code; a defect keeps its traceback."""
    try:
        yield
    except EverlogError as error:
        click.echo(f"everlog: {settings.redact(error.message)}", err=True)
        sys.exit(_UNAVAILABLE if isinstance(error, StorageUnavailableError) else _REFUSED)


def _check_tls(server: ServerSettings) -> None:
    """Raises CertificateError for files that can't be used."""
    if server.tls_certificate is None or server.tls_key is None:
        return
    from everlog_server.certificates import read_tls_files  # noqa: PLC0415  a tenth of a second

    read_tls_files(server.tls_certificate, server.tls_key, server.tls_client_ca)


def _warn_of_exposure(loaded: Settings) -> None:
    if loaded.listens_on_loopback:
        return
    if loaded.identity.mode == "open":
        _log.warning("open_to_everybody", host=loaded.server.host, why="--insecure")
    elif loaded.server.tls_certificate is None:
        _log.warning("tokens_in_plaintext", host=loaded.server.host, why="no --tls-certificate")


def _check_writable(path: Path) -> None:
    probe = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir():
            raise SettingsError(f"server.ready_file is {path}, but that is a folder")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"server.ready_file is {path}, but can't be written: {error.strerror}"
        ) from None


def _write_whole(path: Path, text: str) -> None:
    """Writes a file such that a reader finds all of it or none."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(path)
