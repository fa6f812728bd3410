"""A slot with the member that has it, and where it stands with both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from everlog_server.consumers.slots import Slot

if TYPE_CHECKING:
    from everlog_server.consumers.member import Member


class OwnSlot(Slot):
    """A slot with the member that has it."""

    def __init__(self, member: Member, number: int, epoch: int, **state: Any) -> None:
        super().__init__(number, epoch, **state)
        self.member = member
        self.is_draining = False
        """It is to be given back: nothing more is delivered."""
        self.is_lost = False
        self.is_listed = False
        """Whether it stands among its member's ready slots."""
        self._is_stalled = False

    @property
    def is_relieved(self) -> bool:
        """Whether it was full, and is worth reading for again."""
        return self._is_stalled and self.has_room

    @property
    def is_wanting(self) -> bool:
        """Whether the log should be read for it."""
        if self._is_stalled:
            self._is_stalled = not self.has_room
        elif self.is_full:
            self._is_stalled = True
        return not self._is_stalled and not self.is_draining
