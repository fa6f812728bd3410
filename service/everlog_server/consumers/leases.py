"""When the leases of deliveries run out. No I/O, no clock.

Most deliveries are answered long before. What is answered is forgotten soon, and not when its lease
would have ended: else each event of a lease's length would stay in memory, with its record.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from everlog_server.consumers.member import Delivery

_ANSWERED_MIN = 256


class Leases:
    """The deliveries that have a lease, those that are answered among them for a while."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str, Delivery]] = []
        self._swept = 0
        """How many there were after the last sweep."""

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, delivery: Delivery) -> None:
        """Its lease has begun."""
        heapq.heappush(self._heap, (delivery.deadline, delivery.delivery_id, delivery))
        if len(self._heap) > 2 * self._swept + _ANSWERED_MIN:
            self._heap = [entry for entry in self._heap if entry[2].is_held]
            heapq.heapify(self._heap)
            self._swept = len(self._heap)

    def expired(self, now: int) -> Iterator[Delivery]:
        """Those that are not answered, and whose leases have run out; they have none any more."""
        heap = self._heap
        while heap and (heap[0][0] <= now or not heap[0][2].is_held):
            _, _, delivery = heapq.heappop(heap)
            if not delivery.is_held:
                continue
            if delivery.deadline > now:
                heapq.heappush(heap, (delivery.deadline, delivery.delivery_id, delivery))
            else:
                yield delivery

    @property
    def next_deadline(self) -> int | None:
        """When the next one may run out; None: there is none."""
        return self._heap[0][0] if self._heap else None

    def extend(self, microseconds: int) -> None:
        """Nobody could be heard for so long: that does not count."""
        for _, _, delivery in self._heap:
            delivery.deadline += microseconds
