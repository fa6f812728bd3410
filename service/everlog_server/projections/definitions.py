"""What a projection is made by, as the house has it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from everlog_server.model import EventFilter

ANY_ACTION = ".*"


class OnFailure(IntEnum):
    """What is done when the SQL of an event fails. The numbers are those of the contract."""

    STOP = 1
    RETRY = 2
    PARK = 3


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait between attempts."""

    initial_seconds: float = 1.0
    multiplier: float = 2.0
    max_seconds: float = 300.0
    jitter: float = 0.2
    """By how much a wait differs at random, as a part of it, either way."""


@dataclass(frozen=True, slots=True)
class Handler:
    """What events of some types do."""

    event_types: tuple[str, ...]
    """Exact, or ending with `.*`."""
    statements: tuple[str, ...]

    def matches(self, event_type: str) -> bool:
        """Whether it is meant."""
        return any(
            event_type == name or (name.endswith(ANY_ACTION) and event_type.startswith(name[:-1]))
            for name in self.event_types
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A projection's definition, checked but for its SQL."""

    name: str
    schema: str
    event_filter: EventFilter
    tables: str
    handlers: tuple[Handler, ...]
    on_failure: OnFailure
    attempts_max: int
    backoff: Backoff
    readers: tuple[str, ...]

    def handler_of(self, event_type: str) -> int | None:
        """The first handler that means events of a type."""
        for index, handler in enumerate(self.handlers):
            if handler.matches(event_type):
                return index
        return None
