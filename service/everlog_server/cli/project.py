"""`everlog project`: a projector alone, without a server."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import click

from everlog_server import logs
from everlog_server.cli.options import settings_options
from everlog_server.cli.serve import errors_shown
from everlog_server.storage.provision import prepare_schema, provided

if TYPE_CHECKING:
    from everlog_server.settings import Settings


@click.command()
@settings_options("storage", "projections", "log")
def project(loaded: Settings) -> None:
    """Work on projections, beside the servers that do or instead of them, until Ctrl-C or SIGTERM.

    Of all projectors of a database one works on each projection; another takes over within seconds
    when it dies. With `--no-projections-run` the servers leave it to such processes.
    """
    logs.configure(loaded.log)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with errors_shown(), provided(loaded.storage) as database:
        prepare_schema(database.dsn, loaded.storage)
        _say(f"working on the projections of {database.description}")
        asyncio.run(_run(loaded, database.dsn))


async def _run(loaded: Settings, dsn: str) -> None:
    # Late: as the server, it is only paid for by who runs it.
    from everlog_server.projections import Projector  # noqa: PLC0415
    from everlog_server.storage.database import Database  # noqa: PLC0415
    from everlog_server.storage.hints import Hints  # noqa: PLC0415
    from everlog_server.storage.projecting import ProjectingStore  # noqa: PLC0415

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    database = Database(dsn, loaded.storage)
    projector = Projector(ProjectingStore(database), on_progress=_say)
    await database.open()
    try:
        async with asyncio.TaskGroup() as tasks:
            working = [
                tasks.create_task(projector.run()),
                tasks.create_task(Hints(database).run(projector.look_soon)),
            ]
            await stopping.wait()
            for task in working:
                task.cancel()
    finally:
        await database.close()


def _say(text: str) -> None:
    """To a person in a terminal; what is piped stays quiet."""
    if sys.stdout.isatty():
        click.echo(text)
