"""What a projector knows of the projections that it works on: counted by window, never by event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProjectionState = Literal["running", "paused", "retrying", "stopped"]
"""As in the contract."""


@dataclass(slots=True)
class Figures:
    """Of one projection; totals since this process began to work on it."""

    tenant: str
    name: str
    state: ProjectionState = "running"
    checkpoint: int = 0
    head: int = 0
    rebuild_checkpoint: int | None = None
    """None: none runs."""
    events: int = 0
    """That took effect, also in rebuilds."""
    failed_windows: int = 0

    @property
    def lag(self) -> int:
        """How many positions it is behind the head."""
        return max(0, self.head - self.checkpoint)
