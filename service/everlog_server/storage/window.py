"""How much of the log one statement may examine.

Where an index answers a filter, PostgreSQL looks at what matches only, and the window is the whole
stretch. Elsewhere it has to look at each event, so the window is as long as a fraction of a second
lasts: it grows while statements are quick, and shrinks when they are slow (docs/adr/0006).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from everlog_server.errors import ReadTooExpensiveError
from everlog_server.model import EventFilter

_POSITIONS_FIRST = 20_000
_POSITIONS_MIN = 500
_STATEMENT_SECONDS_GOAL = 0.1
_SELECTIVE = {"aggregate", "correlation_id", "causation_id"}
_INDEXED_ALONE = (set[str](), {"event_types"}, {"user_id"})
_FILTER_FIELDS = [field.name for field in fields(EventFilter)]


@dataclass(slots=True)
class Window:
    """How many positions the next statement may examine."""

    positions: int | None
    """None: all of them, an index finds those that match."""

    def end(self, after: int, through: int) -> int:
        """Where it ends, going forwards."""
        return through if self.positions is None else min(through, after + self.positions)

    def start(self, after: int, through: int) -> int:
        """After which position it starts, going backwards."""
        return after if self.positions is None else max(after, through - self.positions)

    def learn(self, seconds: float) -> None:
        """A statement over a full window took so long."""
        if self.positions is None:
            return
        if seconds < _STATEMENT_SECONDS_GOAL / 4:
            self.positions *= 4
        elif seconds > _STATEMENT_SECONDS_GOAL * 2:
            self.positions = max(_POSITIONS_MIN, self.positions // 2)

    def shrink(self) -> None:
        """A statement was cancelled for its length. ReadTooExpensiveError at the bottom."""
        positions = self.positions or _POSITIONS_FIRST * 8
        if positions <= _POSITIONS_MIN:
            raise ReadTooExpensiveError
        self.positions = max(_POSITIONS_MIN, positions // 8)


def first_window(event_filter: EventFilter) -> Window:
    """The window to begin with."""
    used = {name for name in _FILTER_FIELDS if getattr(event_filter, name)}
    # Bounds on the record time have become bounds on the position.
    used -= {"recorded_from", "recorded_before"}
    by_index = used in _INDEXED_ALONE or used & _SELECTIVE
    return Window(None if by_index else _POSITIONS_FIRST)
