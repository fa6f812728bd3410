"""How large the windows of a build are: as much as fits into a fifth of a second."""

from __future__ import annotations

from dataclasses import dataclass

from everlog_server.storage.projecting import Ran

_WINDOW_SECONDS_GOAL = 0.2
_EVENTS_FIRST = 200
EVENTS_MAX = 5_000
_POSITIONS_FIRST = 20_000
POSITIONS_MIN = 1_000
POSITIONS_MAX = 1_000_000


@dataclass(slots=True)
class Pace:
    """How large the windows of one build are."""

    events_max: int = _EVENTS_FIRST
    positions_max: int = _POSITIONS_FIRST
    careful: int = 0
    """So many more events are taken one by one: a window failed, and none of them was to blame."""

    @property
    def events(self) -> int:
        """How many events the next window takes, at most."""
        return 1 if self.careful else self.events_max

    def learn(self, ran: Ran, positions: int, seconds: float) -> None:
        """A window has been committed."""
        events = ran.events or 0
        if self.careful:
            self.careful -= 1
            return
        if seconds > _WINDOW_SECONDS_GOAL:
            share = _WINDOW_SECONDS_GOAL / seconds
            self.events_max = max(1, int(min(events or 1, self.events_max) * share))
            if events < self.events_max:
                self.positions_max = max(POSITIONS_MIN, int(self.positions_max * share))
        elif seconds < _WINDOW_SECONDS_GOAL / 2:
            if events >= self.events_max:
                self.events_max = min(EVENTS_MAX, self.events_max * 2)
            elif positions >= self.positions_max:
                self.positions_max = min(POSITIONS_MAX, self.positions_max * 4)
