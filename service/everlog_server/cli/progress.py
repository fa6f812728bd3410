"""Progress of long work, on stderr, and only in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

Advance = Callable[[int], None]


def rated_bar(last: ProgressColumn, *, shown: bool = True) -> Progress:
    """A bar with a rate, and a column of one's own; it goes when it ends.

    Disabled where stderr is no terminal, or not `shown`. A task of it needs the field `rate`.
    """
    console = Console(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        last,
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )


@contextmanager
def progress(what: str, *, total: int | None, shown: bool = True) -> Iterator[Advance]:
    """Show how far the work is; give a function that moves it on by so many.

    Nothing is shown where stderr is no terminal, or when results scroll past on the same one
    (`shown`). `total` None: nobody knows how much there is.
    """
    with rated_bar(TimeElapsedColumn(), shown=shown) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            speed = bar.tasks[0].speed
            bar.update(task, rate=f"{speed:,.0f}/s" if speed else "")

        yield _ignore if bar.disable else advance


def _ignore(_count: int) -> None:
    """Move nothing on."""
