"""The flags that say which graph is meant, written once for `trace` and `narrate`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click


def graph_options(*, events_max: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags, passed on as the client's methods take them."""
    options = (
        click.option(
            "--direction",
            type=click.Choice(["backwards", "forwards", "both"]),
            default="both",
            show_default=True,
            help="To what led to it, to what came of it, or both.",
        ),
        click.option(
            "--link",
            "link_kinds",
            type=click.Choice(["related", "causation", "correlation"]),
            multiple=True,
            help="Follow only links of this kind. May be repeated.",
        ),
        click.option(
            "--max-depth",
            type=click.IntRange(1, 100),
            default=10,
            show_default=True,
            metavar="N",
            help="So many links away at most.",
        ),
        click.option(
            "--max-events",
            type=click.IntRange(0, events_max),
            default=0,
            metavar="N",
            help=f"So many events at most, up to {events_max:,}.",
        ),
    )

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_graph(**given: Any) -> None:
            command(**given)

        return functools.reduce(lambda made, option: option(made), reversed(options), with_graph)

    return decorate
