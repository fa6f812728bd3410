"""How much of the log a slot, and all slots of a process, may keep in memory."""

from __future__ import annotations

QUEUED_EVENTS_MAX = 512
QUEUED_BYTES_MAX = 512 * 1024
"""Of events in line, and as much again of those that are tried again or wait in lanes."""
PROCESS_BYTES_MAX = 256 * 1024 * 1024
"""The same in all slots of a process: with more than 512 of them, each has less."""


class Budget:
    """What the slots of a process share: the bytes of events that wait in them."""

    def __init__(self) -> None:
        self._slots = 0

    def count(self, slots: int) -> None:
        """So many more slots; negative: fewer."""
        self._slots += slots

    @property
    def slot_bytes_max(self) -> int:
        """How many each may have in line, and as many apart; one event goes beyond it."""
        return min(QUEUED_BYTES_MAX, PROCESS_BYTES_MAX // max(1, self._slots))
