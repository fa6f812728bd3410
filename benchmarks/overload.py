"""Overload: twice what can be sustained, by callers who do not slow down.

    .venv/bin/python -m benchmarks.overload --seconds 600

First the sustainable rate is found by callers who wait for their answers, then Emits are begun at
twice that rate. Exit code 1 when an acknowledged event is missing or twice in the log, a refused
one is in it, an answer came late, goodput fell below 0.8 of the peak, or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import everlog
from benchmarks import go_loads
from benchmarks.bench import Bench
from benchmarks.loads.common import percentile
from benchmarks.processes import Load, cpu_seconds
from benchmarks.sides.servers import fresh_everlog
from benchmarks.soak import Memory

if TYPE_CHECKING:
    from benchmarks.processes import Service

IN_FLIGHT = 64
CONNECTIONS = 8
EVENTS = 10
PAYLOAD_BYTES = 300
DEADLINE_SECONDS = 5.0
LATE_SECONDS = 1.0
# Callers are on machines of their own. Here they share one with the server, and take as
# much of it as they get.
NICENESS = 10
GOODPUT_TARGET = 0.8
GROWTH_MB_A_MINUTE = 5.0
_RUN_UP_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of the Emits of one load, by number."""

    seconds: float
    """How long Emits were begun."""
    ends: dict[int, tuple[float, float, str]]
    """When each ended, how long it took, and with what."""
    took: float
    """How long it was until the last was answered, in seconds."""
    server_cpu_seconds: float
    load_cpu_seconds: float

    @classmethod
    def read(
        cls,
        file: Path,
        seconds: float,
        *,
        took: float,
        server_cpu_seconds: float,
        load_cpu_seconds: float,
    ) -> Answers:
        ends = {}
        for line in file.read_text().splitlines():
            number, ended, waited, ending = line.split()
            ends[int(number)] = (float(ended), float(waited), ending)
        return cls(seconds, ends, took, server_cpu_seconds, load_cpu_seconds)

    @property
    def goodput(self) -> float:
        """Emits acknowledged a second, once under way, while Emits were begun."""
        start = min(_RUN_UP_SECONDS_MAX, self.seconds / 4)
        good = [
            1
            for ended, _, ending in self.ends.values()
            if ending == "OK" and start <= ended < self.seconds
        ]
        return len(good) / (self.seconds - start)

    @property
    def endings(self) -> Counter[str]:
        """How many ended how."""
        return Counter(ending for _, _, ending in self.ends.values())

    def numbers(self, *endings: str) -> set[int]:
        """Those that ended so."""
        return {number for number, end in self.ends.items() if end[2] in endings}

    def seconds_at(self, share: float, ending: str) -> float:
        """The time within which this share of those that ended so were answered."""
        took = [took for _, took, ended in self.ends.values() if ended == ending]
        return percentile(took, share) if took else 0.0


def run_load(
    program: Path,
    everlog_: Service,
    folder: Path,
    *,
    seconds: float,
    rate: float,
    first: int,
    tenant: str,
) -> Answers:
    """Runs one, of `go_loads.program("overload")`."""
    file = folder / f"answers-{first}"
    told = {
        "address": everlog_.address,
        "tenant": tenant,
        "seconds": seconds,
        "rate": rate,
        "in_flight": IN_FLIGHT,
        "connections": CONNECTIONS,
        "events": EVENTS,
        "payload_bytes": PAYLOAD_BYTES,
        "deadline_seconds": DEADLINE_SECONDS,
        "first": first,
        "answers": str(file),
    }
    with Load(program, told, seconds_max=seconds + 60, niceness=NICENESS) as load:
        server_cpu_seconds = cpu_seconds(everlog_.pid)
        load.go()
        result = load.result()
        server_cpu_seconds = cpu_seconds(everlog_.pid) - server_cpu_seconds
    return Answers.read(
        file,
        seconds,
        took=result["seconds"],
        server_cpu_seconds=server_cpu_seconds,
        load_cpu_seconds=result["cpu_seconds"],
    )


async def events_in_log(address: str, tenant: str) -> Counter[int]:
    """How often the log has events of each Emit."""
    found: Counter[int] = Counter()
    async with everlog.connect(f"everlog://{address}", tenant=tenant) as client:
        async for event in client.replay():
            found[int(json.loads(event.json or "")["n"])] += 1
    return found


def wrongs(found: Counter[int], *loads: Answers) -> list[str]:
    """What the log has too much or too little of, given what callers were told."""
    wrong = []
    known: set[int] = set()
    for answers in loads:
        known |= answers.ends.keys()
        for number, (_, _, ending) in answers.ends.items():
            times = found[number]
            if ending == "OK" and times != EVENTS:
                wrong.append(f"Emit {number} was acknowledged, {times} of its events are stored")
            elif ending == "OVERLOADED" and times:
                wrong.append(f"Emit {number} was refused, {times} of its events are stored")
            elif times not in (0, EVENTS):
                wrong.append(f"Emit {number} ended {ending}, {times} of its events are stored")
    wrong += [f"Emit {number} was never made" for number in found.keys() - known]
    return wrong


@dataclass(frozen=True, slots=True)
class Overloaded:
    """What came of a run."""

    peak: Answers
    over: Answers
    mb: list[float]
    mb_seconds: list[float]
    wrong: list[str]

    @property
    def goodput_share(self) -> float:
        return self.over.goodput / self.peak.goodput

    @property
    def work_share(self) -> float:
        """Emits acknowledged for each second of the processor that the server got, of the peak's.

        It tells whether refusing eats up the work, also where others use the machine meanwhile.
        """
        over = self.over.endings["OK"] / self.over.server_cpu_seconds
        return over / (self.peak.endings["OK"] / self.peak.server_cpu_seconds)

    @property
    def growth_mb_a_minute(self) -> float:
        """Of a line through the second half's samples."""
        half = len(self.mb) // 2
        return statistics.linear_regression(self.mb_seconds[half:], self.mb[half:]).slope * 60

    @property
    def late(self) -> int:
        """Answers that came well after their deadline."""
        most = DEADLINE_SECONDS + LATE_SECONDS
        return sum(took > most for _, took, _ in self.over.ends.values())


def overload(
    everlog_: Service,
    *,
    peak_seconds: float,
    seconds: float,
    factor: float = 2.0,
    tenant: str = "default",
) -> Overloaded:
    """Finds the peak, and then goes beyond it."""
    assert everlog_.pid is not None
    program = go_loads.program("overload")
    with tempfile.TemporaryDirectory() as name:
        run = partial(run_load, program, everlog_, Path(name), tenant=tenant)
        warm = run(seconds=2, rate=0, first=0)
        peak = run(seconds=peak_seconds, rate=0, first=10**9)
        with Memory(everlog_.pid) as memory:
            over = run(seconds=seconds, rate=factor * peak.goodput, first=2 * 10**9)
        found = asyncio.run(events_in_log(everlog_.address, tenant))
    wrong = wrongs(found, warm, peak, over)
    return Overloaded(peak, over, memory.mb, memory.seconds, wrong)


def describe(result: Overloaded) -> str:
    """The figures, as docs/overload.md has them."""
    peak, over = result.peak, result.over
    endings = ", ".join(f"{ending} {n:,}" for ending, n in over.endings.most_common())
    return "\n".join(
        (
            f"peak: {peak.goodput:,.0f} Emits/s of {EVENTS} events, p50"
            f" {peak.seconds_at(0.5, 'OK') * 1e3:.0f} ms, p99"
            f" {peak.seconds_at(0.99, 'OK') * 1e3:.0f} ms",
            f"offered: {len(over.ends) / over.seconds:,.0f} Emits/s for {over.seconds:g} s:"
            f" {endings}",
            f"goodput: {over.goodput:,.0f} Emits/s, {result.goodput_share:.2f} of the peak;"
            f" {result.work_share:.2f} for each second of the server's processor",
            *(
                f"{ending}: p50 {over.seconds_at(0.5, ending) * 1e3:,.0f} ms, p99"
                f" {over.seconds_at(0.99, ending) * 1e3:,.0f} ms, most"
                f" {over.seconds_at(1, ending) * 1e3:,.0f} ms"
                for ending in over.endings
            ),
            f"memory: {result.mb[0]:.0f} MB at first, at most {max(result.mb):.0f} MB,"
            f" {result.growth_mb_a_minute:+.1f} MB a minute in the second half",
            f"cores: server {over.server_cpu_seconds / over.took:.2f},"
            f" load {over.load_cpu_seconds / over.took:.2f}",
            f"wrong: {len(result.wrong)}, late: {result.late}",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--factor", type=float, default=2.0)
    parser.add_argument("flags", nargs="*", help="of everlog serve, behind --")
    told = parser.parse_args()
    with (
        Bench(rounds=1, scale=1.0, say=lambda _: None) as bench,
        fresh_everlog(bench.embedded, *told.flags) as (everlog_, _),
    ):
        result = overload(
            everlog_,
            peak_seconds=min(20.0, told.seconds / 2),
            seconds=told.seconds,
            factor=told.factor,
        )
    print(describe(result), *result.wrong[:10], sep="\n")
    grew = told.seconds >= 60 and result.growth_mb_a_minute > GROWTH_MB_A_MINUTE
    bad = result.wrong or result.late or result.goodput_share < GOODPUT_TARGET or grew
    sys.exit(int(bool(bad)))


if __name__ == "__main__":
    main()
