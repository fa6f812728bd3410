"""Waiting until projections have caught up or are rebuilt, with progress in a terminal."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import Progress, TaskID, TimeRemainingColumn

import everlog
from everlog.v1.projections_pb2 import Projection
from everlog_server.cli.failures import ExitCode, say
from everlog_server.cli.progress import rated_bar

_POLL_SECONDS = 0.05
_POLL_SECONDS_MAX = 0.5
_PATIENCE_SECONDS = 10.0
_BLOCKED_SECONDS = 3.0
"""What blocks a rebuild is looked for now and then: it may be gone, and not known to be."""


class WaitError(Exception):
    """What is waited for won't come by itself; the message says why."""


async def wait_for(client: everlog.Client, begun: Projection) -> Projection:
    """Wait until a projection shows the log as it was, and until its rebuild, if any, is over.

    Raises WaitError when somebody has to do something about it first.
    """
    name, target = begun.definition.name, begun.head_position
    rebuilding = begun.HasField("rebuild")
    seconds = _POLL_SECONDS
    patience = _Patience(name)
    with _progress(begun, target) as bar:
        while True:
            now = await client.projection(name)
            bar.show(now)
            if is_caught_up(now, target):
                if rebuilding and _built(now) == _built(begun):
                    raise WaitError(f"the rebuild of {name} was cancelled")
                return now
            _judge(now)
            patience.judge(now)
            await asyncio.sleep(seconds)
            seconds = min(seconds * 1.5, _POLL_SECONDS_MAX)


async def waited(client: everlog.Client, begun: Projection) -> Projection:
    """Wait as a command does, which is refused when the wait would have no end."""
    try:
        return await wait_for(client, begun)
    except WaitError as error:
        say(str(error))
        sys.exit(ExitCode.REFUSED)


def is_caught_up(projection: Projection, target: int) -> bool:
    """Whether a projection shows the log up to a position, and is not being rebuilt."""
    return projection.checkpoint >= target and not projection.HasField("rebuild")


def _built(projection: Projection) -> tuple[int, int]:
    return projection.built_time.seconds, projection.built_time.nanos


def _judge(projection: Projection) -> None:
    name, rebuild = projection.definition.name, projection.rebuild
    if projection.state == Projection.STATE_STOPPED:
        raise WaitError(f"{name} is stopped: see `everlog projections errors {name}`")
    if projection.state == Projection.STATE_PAUSED:
        raise WaitError(f"{name} is paused: see `everlog projections resume {name}`")
    if rebuild.HasField("failure") and not rebuild.failure.HasField("next_attempt_time"):
        raise WaitError(f"the rebuild of {name} failed: see `everlog projections errors {name}`")


class _Patience:
    """Says once that nobody is at it, after a while; and gives up what has been blocked for one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = self._free = time.monotonic()
        self._told = False

    def judge(self, projection: Projection) -> None:
        now = time.monotonic()
        if not (blocked_by := projection.rebuild.blocked_by):
            self._free = now
        elif now - self._free > _BLOCKED_SECONDS:
            raise WaitError(f"the rebuild of {self._name} is blocked by {blocked_by}")
        if projection.projector:
            self._seen = now
        elif not self._told and now - self._seen > _PATIENCE_SECONDS:
            self._told = True
            say(
                f"no projector is at {self._name}: does a server run with projections.run,"
                " or `everlog project`?"
            )


class _Bar:
    def __init__(self, progress: Progress, task: TaskID, target: int) -> None:
        self._progress = progress
        self._task = task
        self._target = target

    def show(self, projection: Projection) -> None:
        rebuilds = projection.HasField("rebuild")
        done = projection.rebuild.checkpoint if rebuilds else projection.checkpoint
        # New tables have to come as far as the live ones, which go on meanwhile.
        self._progress.update(
            self._task,
            completed=done,
            total=max(projection.checkpoint if rebuilds else self._target, done),
            rate=f"{projection.events_per_second:,.0f} events/s",
        )


@contextmanager
def _progress(begun: Projection, target: int) -> Iterator[_Bar]:
    word = "rebuilding" if begun.HasField("rebuild") else "catching up"
    with rated_bar(TimeRemainingColumn()) as progress:
        what = f"{word} {begun.definition.name}"
        yield _Bar(progress, progress.add_task(what, total=None, rate=""), target)
