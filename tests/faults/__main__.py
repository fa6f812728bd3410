# ruff: noqa: T201  it is a command
"""Runs schedules of faults, and reports: `python -m tests.faults --seeds 0-199`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # before gRPC reads it

from tests.faults.runs import Outcome, run_schedule
from tests.faults.schedules import schedule_of
from tests.faults.world import World, new_world


def main() -> int:
    """The command; exit code 1 if a guarantee was broken."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", default="0-19", help="such as 7, 0-199 or 1,5,9 (default: 0-19)")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each seed")
    parser.add_argument("--seconds", type=float, help="begin no schedule after so long")
    parser.add_argument("--logs", type=Path, help="folder for servers' logs of failed seeds")
    arguments = parser.parse_args()
    outcomes = asyncio.run(_run(_seeds(arguments.seeds), arguments))
    failed = [one for one in outcomes if one.violations]
    if not arguments.json:
        _report(outcomes, failed)
    return 1 if failed else 0


def _seeds(text: str) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


async def _run(seeds: list[int], arguments: argparse.Namespace) -> list[Outcome]:
    """Those with workers after the others: each kind has one world."""
    task = asyncio.current_task()
    assert task is not None
    # Who is told to stop ends what it has started.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    for has_workers in (False, True):
        schedules = [s for s in map(schedule_of, seeds) if s.has_workers is has_workers]
        if not schedules:
            continue
        async with AsyncExitStack() as held:
            world: World = await held.enter_async_context(new_world(has_workers=has_workers))
            for schedule in schedules:
                if arguments.seconds and time.monotonic() - began > arguments.seconds:
                    break
                outcome = await run_schedule(world, schedule)
                outcomes.append(outcome)
                _tell(outcome, len(outcomes), len(seeds), as_json=arguments.json)
                if outcome.violations and arguments.logs:
                    arguments.logs.mkdir(parents=True, exist_ok=True)
                    (arguments.logs / f"seed-{schedule.seed}.log").write_text(world.logs())
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    return outcomes


def _tell(outcome: Outcome, done: int, of: int, *, as_json: bool) -> None:
    if as_json:
        facts = {
            "seed": outcome.schedule.seed,
            "faults": [str(fault) for fault in outcome.schedule.faults],
            "events": outcome.events,
            "reads": outcome.reads,
            "messages": outcome.messages,
            "deliveries": outcome.deliveries,
            "tables": outcome.tables,
            "seconds": round(outcome.seconds, 2),
            "answers": dict(outcome.reasons),
            "violations": [str(one) for one in outcome.violations],
        }
        print(json.dumps(facts), flush=True)
    elif outcome.violations:
        print(f"FAILED {outcome.schedule.name}", *outcome.violations[:8], sep="\n  ", flush=True)
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{done}/{of} {outcome.schedule.name[:90]}")
        sys.stderr.flush()


def _report(outcomes: list[Outcome], failed: list[Outcome]) -> None:
    kinds = Counter(fault.kind for one in outcomes for fault in one.schedule.faults)
    answers = sum((one.reasons for one in outcomes), Counter[str]())
    broken = Counter(type(v).__name__ for one in failed for v in one.violations)
    seconds = [one.seconds for one in outcomes] or [0.0]
    print(
        f"{len(outcomes)} schedules, {sum(kinds.values())} faults,"
        f" {sum(one.events for one in outcomes)} events,"
        f" {sum(one.reads for one in outcomes)} reads,"
        f" {sum(one.messages for one in outcomes)} messages of subscribers,"
        f" {sum(one.deliveries for one in outcomes)} deliveries of consumers,"
        f" {sum(one.tables for one in outcomes)} readings of projections' tables"
    )
    print(f"seconds a schedule: {sum(seconds) / len(seconds):.1f} (longest {max(seconds):.1f})")
    print("faults:  " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common()))
    print("answers: " + ", ".join(f"{reason} {n}" for reason, n in answers.most_common()))
    if failed:
        print("violations: " + ", ".join(f"{name} {n}" for name, n in broken.most_common()))
        print("replay with: --seeds " + ",".join(str(one.schedule.seed) for one in failed))
    else:
        print("violations: none")


if __name__ == "__main__":
    sys.exit(main())
