"""What a measurement is: runs of one load, two sides compared, and a ratio against a target."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Cpu:
    """CPU seconds that one run took: of the client, the server, and its PostgreSQL."""

    client: float
    server: float
    postgres: float


@dataclass(frozen=True, slots=True)
class Run:
    """One load against one side, once."""

    count: int
    """What was done, and verified to have been done: events, requests or deliveries."""

    seconds: float
    cpu: Cpu
    details: Mapping[str, float] = field(default_factory=dict)
    """Whatever else the load measured, such as `p50_ms`."""

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.count / self.seconds

    def value(self, measure: str) -> float:
        """What is compared: `rate`, or one of the details."""
        return self.rate if measure == "rate" else self.details[measure]


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one side, in the order of the rounds."""

    name: str
    runs: Sequence[Run]
    measure: str = "rate"

    @property
    def values(self) -> list[float]:
        """What was measured in each round."""
        return [run.value(self.measure) for run in self.runs]

    @property
    def median(self) -> float:
        """What was measured in the middle round."""
        return statistics.median(self.values)

    @property
    def cpu(self) -> Cpu:
        """CPU seconds of the middle round, each for itself."""
        return Cpu(
            *(
                statistics.median(getattr(run.cpu, who) for run in self.runs)
                for who in ("client", "server", "postgres")
            )
        )

    @property
    def seconds(self) -> float:
        """How long the middle round took."""
        return statistics.median(run.seconds for run in self.runs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours beside theirs. Rounds alternate, so each ratio is of two runs next to each other."""

    work: str
    label: str
    unit: str
    ours: Series
    theirs: Series
    target: float
    wanted: Literal["at least", "at most"] = "at least"

    @property
    def ratios(self) -> list[float]:
        """Ours over theirs, round by round."""
        pairs = zip(self.ours.values, self.theirs.values, strict=True)
        return [ours / theirs for ours, theirs in pairs]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def is_met(self) -> bool:
        """Whether the ratio is at the target, or better."""
        return _meets(self.ratio, self.wanted, self.target)


@dataclass(frozen=True, slots=True)
class Reading:
    """An absolute figure with a limit; for what nobody is beside."""

    work: str
    label: str
    unit: str
    value: float
    limit: float | None
    wanted: Literal["at least", "at most"] = "at most"

    @property
    def is_met(self) -> bool:
        """Whether the value is within the limit."""
        return self.limit is None or _meets(self.value, self.wanted, self.limit)


@dataclass(frozen=True, slots=True)
class Skipped:
    """What could not be measured, and why."""

    work: str
    label: str
    reason: str


Finding: TypeAlias = Comparison | Reading | Skipped


def _meets(value: float, wanted: Literal["at least", "at most"], bound: float) -> bool:
    return value >= bound if wanted == "at least" else value <= bound
