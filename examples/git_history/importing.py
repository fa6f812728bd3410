"""Brings a repository's history into a log; what is there already stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import everlog
from examples.git_history.git_log import read_commits, repository_name
from examples.git_history.mapping import events_of

_BATCH_EVENTS = 500


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    repository: str
    stored: int = 0
    known: int = 0

    def __str__(self) -> str:
        return f"{self.repository}: {self.stored:,} events stored, {self.known:,} already there"


async def import_history(
    client: everlog.Client, repository: Path, *, on_commits: Callable[[int], None]
) -> Imported:
    """Emit the events of every commit; `on_commits` is told how many more are read.

    Raises GitError, or the first EverlogError that an event is refused with.
    """
    name = repository_name(repository)
    imported = Imported(name)

    def events() -> Iterator[everlog.Event]:
        for commit in read_commits(repository):
            on_commits(1)
            yield from events_of(commit, repository=name)

    outcomes = client.emit_stream(events(), batch_events=_BATCH_EVENTS, known_events="skip")
    async with aclosing(outcomes):
        async for _, outcome in outcomes:
            if isinstance(outcome, everlog.EverlogError):
                raise outcome
            if outcome.deduplicated:
                imported.known += 1
            else:
                imported.stored += 1
    return imported
