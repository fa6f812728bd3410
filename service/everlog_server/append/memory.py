"""What a sequencer remembers of its log: its end, and the ends of its aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from everlog_server.model import AggregateKey
from everlog_server.storage.appends import Fence


class Memory:
    """Remembered heads. They are never trusted by themselves: the fence proves them, or refuses.

    Last sequences are bounded: the least recently written goes. They, and `fence`, run ahead of the
    log by the batches in flight; whoever finds that one of them failed forgets what it wrote.
    """

    def __init__(self, aggregates_max: int) -> None:
        self._aggregates_max = aggregates_max
        self._last_sequences: dict[AggregateKey, int] = {}
        self.fence = Fence(0, None, 0)
        """The state of the log that the batches in flight will leave."""
        self.confirmed = Fence(0, None, 0)
        """The last state of the log that PostgreSQL confirmed."""
        self.last_record_time = 0
        """Microseconds since 1970; no later event is recorded before it."""
        self.strangers_are_new = True
        """Whether an aggregate that is not remembered is assumed to have no events.

        A wrong guess costs a round trip, and so does a look-up for one that is new: so the guess is
        what the last strangers turned out to be.
        """

    def __len__(self) -> int:
        return len(self._last_sequences)

    def get(self, aggregate: AggregateKey) -> int | None:
        """The last sequence, if it is remembered."""
        return self._last_sequences.get(aggregate)

    def update(self, last_sequences: Mapping[AggregateKey, int]) -> None:
        """Remembers what was written."""
        remembered = self._last_sequences
        for aggregate, sequence in last_sequences.items():
            remembered.pop(aggregate, None)
            remembered[aggregate] = sequence
        while len(remembered) > self._aggregates_max:
            del remembered[next(iter(remembered))]

    def forget(self, aggregates: Iterable[AggregateKey]) -> None:
        """Forgets aggregates whose writes failed."""
        for aggregate in aggregates:
            self._last_sequences.pop(aggregate, None)

    def refresh(self, appended_by_others: Mapping[AggregateKey, int] | None) -> None:
        """Takes over what others wrote, where it concerns what is remembered; None: forgets all."""
        if appended_by_others is None:
            self._last_sequences.clear()
            return
        for aggregate, sequence in appended_by_others.items():
            if aggregate in self._last_sequences:
                self._last_sequences[aggregate] = sequence
