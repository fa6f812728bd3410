"""How a command fails: one line on stderr, and an exit code that scripts can branch on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any

import click

import everlog


class ExitCode(IntEnum):
    """What the exit code says, beside 0 for done."""

    DEFECT = 1
    USAGE = 2
    REFUSED = 3
    NOT_FOUND = 4
    UNAVAILABLE = 5
    WARNINGS = 6
    PROBLEMS = 7
    INTERRUPTED = 130


_UNAVAILABLE = (
    everlog.Unavailable,
    everlog.DeadlineExceeded,
    everlog.Overloaded,
    everlog.TooManySubscriptions,
)


def exit_code(error: everlog.EverlogError) -> ExitCode:
    """Give the exit code of a failed call."""
    match error:
        case everlog.NotFound():
            return ExitCode.NOT_FOUND
        case _ if isinstance(error, _UNAVAILABLE):
            return ExitCode.UNAVAILABLE
        case everlog.InternalError() | everlog.EventDamaged():
            return ExitCode.DEFECT
        case _ if type(error) is everlog.EverlogError:
            return ExitCode.DEFECT
        case _:
            return ExitCode.REFUSED


_KNOWN_SHOWN = 3


def explain(error: everlog.EverlogError) -> str:
    """Say in one line why a call failed: its reason, then the details rather than the prose."""
    match error:
        case everlog.SequenceConflict(violations=violations) if violations:
            why = "; ".join(map(str, violations))
        case everlog.InvalidArgument(field_violations=violations) if violations:
            why = "; ".join(
                f"{violation.field}: {violation.description}" for violation in violations
            )
        case everlog.AlreadyExists(known_events=known) if known:
            why = "; ".join(map(_known, known[:_KNOWN_SHOWN]))
            if more := len(known[_KNOWN_SHOWN:]):
                why += f"; … and {more:,} more"
        case everlog.ConnectionLost():
            # gRPC's own words are about its insides.
            why = "no answer from the server: does it run (everlog serve), and is --url right?"
        case _:
            why = error.message
    return " ".join(f"{error.reason or error.code.name}: {why}".split())


def _known(known: everlog.KnownEvent) -> str:
    name = f"idempotency key {known.idempotency_key}" if known.idempotency_key else "the event id"
    return f"{name} belongs to event {known.event_id}"


def say(message: str) -> None:
    """Say something to the person, on stderr."""
    click.echo(f"everlog: {message}", err=True)


def run(command: Coroutine[Any, Any, None], *, interrupted: int = ExitCode.INTERRUPTED) -> None:
    """Run a command's coroutine; exit with a reason and a code when it fails.

    `interrupted` is the exit code after Ctrl-C: a command that goes on until then ends well.
    """
    try:
        asyncio.run(command)
    except everlog.EverlogError as error:
        say(explain(error))
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(interrupted)
    except BrokenPipeError:
        # Whoever read our output has enough. Nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
