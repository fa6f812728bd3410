"""`everlog consume`: work on a consumer's events from a shell."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

import click

import everlog
from everlog import Delivery, EverlogError
from everlog.consuming import Consuming
from everlog_server.cli.event_json import event_line
from everlog_server.cli.failures import explain, run, say
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options

_TRY_AGAIN = 75
"""EX_TEMPFAIL of sysexits.h."""

_EXAMPLES = """\b
Examples:
  everlog consume pricing
  everlog consume pricing --json --limit 10
  everlog consume mails --exec ./send-mail --concurrency 4
"""


@click.command(epilog=_EXAMPLES)
@click.argument("consumer", metavar="NAME")
@click.option(
    "--exec",
    "command",
    metavar="COMMAND",
    help="Run a command for each event, with the event as JSON on stdin. Exit code 0: the event is"
    " finished; 75: it is tried again; else it has failed, with the last line of stderr.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="How many events at a time; of an aggregate one.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Take N, one at a time, and end."
)
@client_options
def consume(
    *, target: Target, consumer: str, command: str | None, concurrency: int, limit: int | None
) -> None:
    """Take part in the consumer NAME: print each event, or run a command, and acknowledge it.

    Until Ctrl-C, which finishes what is in flight; a second one does not. An event is printed again
    if its acknowledgement was lost. What a command prints goes to stdout. It finds the attempt in
    EVERLOG_ATTEMPT, from 1.
    """
    worker = _Worker(Output(as_json=target.json), command, limit)
    run(_consume(target, consumer, worker, 1 if limit else concurrency), interrupted=0)


async def _consume(target: Target, consumer: str, worker: _Worker, concurrency: int) -> None:
    async with target.connect() as impatient:
        await impatient.consumer(consumer)  # a wrong name or address is told now
    async with target.connect(retries=True) as client:
        worker.consuming = client.consume(
            consumer,
            worker.handle,
            concurrency=concurrency,
            on_interruption=worker.interrupted,
            on_unsettled=worker.unsettled,
        )
        await worker.consuming.run(signals=(signal.SIGINT, signal.SIGTERM))
    if worker.broken_pipe is not None:
        raise worker.broken_pipe


class _Worker:
    """Handles deliveries, and tells the person what becomes of them."""

    consuming: Consuming

    def __init__(self, output: Output, command: str | None, limit: int | None) -> None:
        self._output = output
        self._command = command
        self._remaining = limit
        self._is_interrupted = False
        self.broken_pipe: BrokenPipeError | None = None

    async def handle(self, delivery: Delivery) -> everlog.Decision | None:
        """Handle one; the last one has it leave before it is answered, so that no other comes."""
        if self._is_interrupted:
            say("goes on")
            self._is_interrupted = False
        if self._remaining is not None:
            self._remaining -= 1
            if self._remaining == 0:
                self.consuming.begin_stop()
        decision = await self._execute(delivery) if self._command else self._print(delivery)
        if isinstance(decision, everlog.Retry):
            say(f"position {delivery.event.position}, attempt {delivery.attempt}: {decision.error}")
        return decision

    def interrupted(self, error: EverlogError, _seconds: float) -> None:
        """Tell once that the connection is gone."""
        if not self._is_interrupted:
            say(f"interrupted, will go on: {explain(error)}")
        self._is_interrupted = True

    def unsettled(self, delivery: Delivery, error: EverlogError) -> None:
        """Tell that an event may come again."""
        say(f"position {delivery.event.position} may come again: {explain(error)}")

    def _print(self, delivery: Delivery) -> everlog.Decision | None:
        try:
            self._output.event(delivery.event)
            self._output.flush()
        except BrokenPipeError as error:
            if self.broken_pipe is None:
                self.broken_pipe = error
                self.consuming.begin_stop()
            return everlog.Retry(after=0, error="nobody reads what is printed")
        return None

    async def _execute(self, delivery: Delivery) -> everlog.Decision | None:
        assert self._command is not None  # noqa: S101 - `handle` has asked
        process = await asyncio.create_subprocess_shell(
            self._command,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "EVERLOG_ATTEMPT": str(delivery.attempt)},
            start_new_session=True,  # Ctrl-C is for this process: the command is to finish
        )
        try:
            _, told = await process.communicate(event_line(delivery.event))
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        sys.stderr.buffer.write(told)
        sys.stderr.flush()
        if process.returncode == 0:
            return None
        lines = told.decode(errors="replace").split("\n")
        last = next((line for line in map(str.strip, reversed(lines)) if line), "")
        error = last or f"exit code {process.returncode}"
        return everlog.Retry(error=error)
