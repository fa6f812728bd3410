"""Schedules: what goes wrong when, from a seed alone. The same seed gives the same schedule.

Which server processes there are follows from the seed, too: two of one process each, or one of
several workers. Times are seconds from the start of the workload; the machine decides where in the
workload they fall.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.network import Direction

WORKERS = 4
SECONDS = 2.2
"""How long faults go on."""

# By weight, so that each happens often in a few hundred schedules, and the dear ones not too often.
_KINDS = {
    "client_cut": 4,
    "client_half_close": 3,
    "client_truncate": 4,
    "client_hold": 3,
    "client_delay": 2,
    "client_throttle": 2,
    "database_cut": 5,
    "database_half_close": 3,
    "database_truncate": 5,
    "database_hold": 4,
    "database_delay": 2,
    "database_throttle": 2,
    "database_refuse": 2,
    "kill_server": 4,
    "stop_server": 2,
    "pause_server": 3,
    "kill_backend": 4,
    "end_backend": 4,
    "pause_backend": 3,
    "kill_postgres": 3,
    "quit_postgres": 2,
    "server_clock": 3,
    "postgres_clock": 1,
    "hold_lock": 3,
}
_OF_POSTGRES = {"kill_postgres", "quit_postgres", "postgres_clock"}


class Fault(NamedTuple):
    """One thing that goes wrong."""

    at_seconds: float
    kind: str
    server: int
    """Whose; of several workers, `number` chooses one."""
    number: int
    """A choice, modulo what there is to choose from."""
    seconds: float
    """How long; or, of a clock, by how much."""
    direction: Direction
    size: int
    """Bytes until a truncation, or bytes a second."""

    def __str__(self) -> str:
        return f"{self.at_seconds:.3f} s: {self.kind} at server {self.server}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A run."""

    seed: int
    has_workers: bool
    """One server of several workers, instead of two of one process each."""
    faults: tuple[Fault, ...]
    writers: int
    stream_writers: int
    client_writers: int
    readers: int
    subscribers: int
    members: int
    """Of the consumer; 0: there is none."""
    has_projection: bool

    @property
    def name(self) -> str:
        """In a word."""
        kinds = ", ".join(fault.kind for fault in self.faults)
        return f"seed {self.seed} ({'workers' if self.has_workers else 'two servers'}): {kinds}"


def schedule_of(seed: int) -> Schedule:
    """The schedule of a seed."""
    dice = random.Random(seed)
    has_workers = seed % 4 == 3
    count = dice.choice([1, 2, 2, 3, 3, 4])
    chosen = dice.choices(list(_KINDS), list(_KINDS.values()), k=count)
    times = sorted(dice.uniform(0.3, SECONDS) for _ in chosen)
    faults = tuple(
        Fault(
            at_seconds=at,
            kind=kind,
            server=dice.randrange(1 if has_workers else 2),
            number=dice.randrange(1000),
            seconds=_seconds(kind, dice),
            direction=dice.choice(list(Direction)),
            size=dice.choice([1, 7, 40, 300, 2_000, 20_000]),
        )
        for at, kind in zip(times, chosen, strict=True)
    )
    return Schedule(
        seed=seed,
        has_workers=has_workers,
        faults=faults,
        writers=dice.randrange(2, 5),
        stream_writers=dice.randrange(1, 3),
        client_writers=1,
        readers=dice.randrange(1, 3),
        subscribers=dice.randrange(2, 4),
        members=dice.choice([0, 2]),
        has_projection=dice.choice([False, True]),
    )


def _seconds(kind: str, dice: random.Random) -> float:
    if kind.endswith("_clock"):
        return dice.choice([-3600.0, -60.0, -1.0, 1.0, 60.0, 3600.0, 86400.0])
    return dice.choice([0.05, 0.3, 0.8, 1.5])
