"""A history and the log that came of it, found by what checks ask for."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.faults.history import Stored, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.history import Emitted, History, Opened, Received

    Log = Sequence[Stored]


class Judged:
    """What every check is given."""

    def __init__(self, history: History, log: Log) -> None:
        self.history = history
        self.log = log
        self.at = {event.position: event for event in log}
        self.by_mark: dict[str, list[Stored]] = defaultdict(list)
        self.sequences: dict[str, list[Stored]] = defaultdict(list)
        self.attempts = Counter(
            event.mark for emit in history.emits for event in emit.events * (2 - emit.is_only)
        )
        """By mark, how often it was sent; twice, where that is not known."""
        for event in log:
            self.by_mark[event.mark].append(event)
            self.sequences[event.aggregate].append(event)

    def of(self, verdict: Verdict) -> Iterator[Emitted]:
        return (emit for emit in self.history.emits if emit.verdict is verdict)

    def subscribers(self) -> dict[str, list[Opened | Received]]:
        by_name: dict[str, list[Opened | Received]] = defaultdict(list)
        for one in self.history.subscribed:
            by_name[one.subscriber].append(one)
        return by_name

    def stored_by(self, emit: Emitted) -> bool:
        """Whether, if an Emit's events are stored, it is this attempt that stored them."""
        is_only = self.attempts[emit.events[0].mark] == 1
        return emit.verdict is Verdict.ACKNOWLEDGED or (emit.verdict is Verdict.UNKNOWN and is_only)

    def sequence_before(self, aggregate: str, position: int) -> int:
        events = self.sequences.get(aggregate, ())
        return max((one.sequence for one in events if one.position < position), default=0)

    def acknowledged_before(self, aggregate: str, moment: int) -> int:
        """The last sequence that was acknowledged when something began."""
        return max(
            (
                receipt.sequence
                for emit in self.of(Verdict.ACKNOWLEDGED)
                if emit.ended < moment
                for event, receipt in zip(emit.events, emit.receipts, strict=False)
                if event.aggregate == aggregate
            ),
            default=0,
        )


def is_deduplicated(emit: Emitted) -> bool:
    return any(receipt.deduplicated for receipt in emit.receipts)


def shown(values: Sequence[object], most: int = 12) -> str:
    text = ", ".join(map(str, values[:most]))
    return f"[{text}, … ({len(values)})]" if len(values) > most else f"[{text}]"
