"""What a work is given: scale, rounds, clusters that are started when first asked for, progress."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from benchmarks.sides.clusters import Cluster, debian_cluster, embedded_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from benchmarks.figures import Finding

_Run = TypeVar("_Run")
PAYLOADS = (48, 1024)
"""Bytes of an event's JSON: every work that moves events is measured with both."""


@dataclass(frozen=True, slots=True)
class Work:
    """One of P1 to P16: each module of `works` has one."""

    key: str
    title: str
    run: Callable[[Bench], Iterator[Finding]]
    """Measures, and yields each finding as soon as it is known. May raise PeerMissing."""


class Bench:
    """One run of the harness."""

    def __init__(self, *, rounds: int, scale: float, say: Callable[[str], None]) -> None:
        self.rounds = rounds
        self._scale = scale
        self._say = say
        self._stack = ExitStack()
        self._embedded: Cluster | None = None
        self._debian: Cluster | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def sized(self, count: int, *, multiple_of: int = 1) -> int:
        """A number of events or calls, made smaller when only the harness is to be tried."""
        return max(round(count * self._scale / multiple_of), 1) * multiple_of

    def say(self, what: str) -> None:
        """Shows what is being done."""
        self._say(what)

    @property
    def embedded(self) -> Cluster:
        """The PostgreSQL that everlog carries."""
        if self._embedded is None:
            self.say("starting PostgreSQL")
            self._embedded = self._stack.enter_context(embedded_cluster())
        return self._embedded

    @property
    def debian(self) -> Cluster:
        """Debian's PostgreSQL, which has contrib. Raises PeerMissing."""
        if self._debian is None:
            self.say("starting Debian's PostgreSQL")
            self._debian = self._stack.enter_context(debian_cluster())
        return self._debian

    @property
    def postgres_versions(self) -> dict[str, str]:
        """Of the clusters that were used."""
        used = {"everlog's": self._embedded, "Debian's": self._debian}
        return {name: cluster.version for name, cluster in used.items() if cluster is not None}

    def alternate(
        self, label: str, *sides: tuple[str, Callable[[], _Run]], rounds: int | None = None
    ) -> list[list[_Run]]:
        """Runs each side in turn (A B A B …); returns each side's runs, in the order of rounds."""
        found: list[list[_Run]] = [[] for _ in sides]
        rounds = rounds or self.rounds
        for number in range(rounds):
            for place, (name, measure) in enumerate(sides):
                self.say(f"{label}: {name}, round {number + 1} of {rounds}")
                found[place].append(measure())
        return found


def size_name(payload_bytes: int) -> str:
    """How a payload's size is written."""
    return "1 KiB" if payload_bytes == 1024 else f"{payload_bytes} B"
