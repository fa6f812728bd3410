"""The command line: `everlog serve`, and a client for people and scripts.

Exit codes: 0 done; 1 a defect; 2 wrong usage; 3 refused; 4 not found; 5 unavailable or too late;
6 warnings, 7 problems (`everlog doctor`); 130 interrupted. The reason is on stderr, results are on
stdout.

A command's module is imported when the command runs: `everlog --help` and `everlog emit` do not pay
for the server.
"""

from __future__ import annotations

import os
from importlib import import_module

import click

_COMMANDS = {
    "serve": ("serve", "Run the server."),
    "migrate": ("serve", "Bring the database's schema up to date."),
    "project": ("project", "Work on projections, without a server."),
    "emit": ("emit", "Append one event, or a stream of JSON lines."),
    "get": ("get", "Show one event."),
    "query": ("query", "List events, newest first."),
    "replay": ("replay", "Read a stretch of history, and end."),
    "latest": ("latest", "Show the newest events."),
    "state": ("aggregates", "Show what an aggregate's events add up to, now or then."),
    "aggregates": ("aggregates", "List aggregates, last active first."),
    "count": ("counting", "Count events, in all and by type, day, aggregate type or actor."),
    "stats": ("counting", "Say how much has happened."),
    "subscribe": ("subscribe", "Follow the log, as `tail -f` follows a file."),
    "consume": ("consume", "Work on a consumer's events: print them, or run a command for each."),
    "decisions": ("decisions", "Approve or reject what agents propose."),
    "types": ("event_types", "Say which event types there are, and check their data."),
    "outcome": ("outcomes", "Record what came of an event."),
    "outcomes": ("outcomes", "List what came of an event."),
    "trace": ("trace", "Show what led to an event, and what came of it."),
    "narrate": ("narrative", "Tell the story of an event's workflow."),
    "narrative": ("narrative", "Save or show what is to be told about an event."),
    "entities": ("entities", "Find events by the customers, accounts … they speak of."),
    "consumers": ("consumers", "Set durable consumers, and see what became of their events."),
    "projections": ("projections", "Keep state tables up to date by the log."),
    "tenants": ("tenants", "Create, rename, freeze and drop tenants."),
    "tokens": ("tokens", "Create, list and revoke the tokens by which callers are known."),
    "whoami": ("tokens", "Say who you are to the server, and what you may do."),
    "doctor": ("doctor", "Say what is wrong with a deployment, and what mends it."),
    "health": ("health", "Ask whether a server takes calls; for probes."),
    "status": ("status", "Say how the server is, and where the log ends."),
}
"""By command: its module in this package, and what it does."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        # Before gRPC is imported: its own log lines help nobody here.
        if module not in {"serve", "project"}:
            os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        command = getattr(import_module(f"everlog_server.cli.{module}"), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="everlog-server", message="everlog %(version)s")
def everlog() -> None:
    """One event store over PostgreSQL: append events, read them back, follow them live.

    Exit codes: 2 wrong usage, 3 refused, 4 not found, 5 unavailable or too late.
    """
