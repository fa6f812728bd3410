"""`make bench`: runs the works, shows the table, and writes it to benchmarks/results/.

    .venv/bin/python -m benchmarks [--only P1,P4] [--rounds 3] [--scale 0.01] [--results FOLDER]

Exit code 1 when a work failed (a count that differs, say); targets that are missed are shown, and
are no failure.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks import report, works
from benchmarks.bench import Bench, Work
from benchmarks.chart import chart
from benchmarks.facts import machine_facts
from benchmarks.figures import Comparison, Finding, Skipped
from benchmarks.processes import LoadFailed
from benchmarks.sides.peers import PeerMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESULTS = Path(__file__).parent / "results"
FAILED = "FAILED: "


def find_works() -> list[Work]:
    """Every module of `works`, in the order of their numbers."""
    found: list[Work] = [
        importlib.import_module(f"{works.__name__}.{module.name}").WORK
        for module in pkgutil.iter_modules(works.__path__)
    ]
    return sorted(found, key=lambda work: int(work.key[1:]))


def measure(work: Work, bench: Bench) -> Iterator[Finding]:
    """The findings of one work; what can't be measured is a finding, too."""
    try:
        yield from work.run(bench)
    except PeerMissing as error:
        yield Skipped(work.key, work.title, str(error))
    except LoadFailed as error:
        yield Skipped(work.key, work.title, f"{FAILED}{error}")


def write(folder: Path, findings: Sequence[Finding], facts: dict[str, str | float]) -> None:
    """Writes results.json, results.md and ratios.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"machine": facts, "findings": [report.as_json(finding) for finding in findings]}
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    lines = "".join(f"- {name}: {value}\n" for name, value in facts.items())
    (folder / "results.md").write_text(f"{report.markdown(findings)}\n{lines}")
    compared = [finding for finding in findings if isinstance(finding, Comparison)]
    title = f"everlog beside its peers, {facts['cores']} cores, {facts['date']}"
    (folder / "ratios.svg").write_text(chart(compared, title))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", default="", help="works, such as P4 or P1,P6; default: all")
    parser.add_argument("--rounds", type=int, default=3, help="at least 3 for figures to keep")
    parser.add_argument("--scale", type=float, default=1.0, help="below 1: try the harness")
    parser.add_argument("--results", type=Path, help="folder to write to; default: results/")
    return parser.parse_args(arguments)


def main() -> None:
    told = parse(sys.argv[1:])
    wanted = {key.strip().upper() for key in told.only.split(",") if key.strip()}
    chosen = [work for work in find_works() if not wanted or work.key in wanted]
    if wanted - {work.key for work in chosen}:
        sys.exit(f"no such work: {', '.join(sorted(wanted - {work.key for work in chosen}))}")
    # A part of the works, or a trial, does not replace the results of a whole run.
    whole = not wanted and told.scale == 1
    folder = told.results or (RESULTS if whole else Path("build", "bench", "results"))
    load_before = os.getloadavg()[0]
    console, progress = Console(), Console(stderr=True)
    findings: list[Finding] = []
    with (
        progress.status("setting up") as status,
        Bench(rounds=told.rounds, scale=told.scale, say=status.update) as bench,
    ):
        for work in chosen:
            started = time.monotonic()
            findings += measure(work, bench)
            # After each, so that a run that is broken off leaves what it has found.
            facts = machine_facts(bench.postgres_versions, load_before)
            write(folder, findings, {**facts, "rounds": told.rounds, "scale": told.scale})
            if progress.is_terminal:
                progress.print(f"{work.key} {work.title}: {time.monotonic() - started:.0f} s")
    if console.is_terminal:
        console.print(report.table(findings, rounds=told.rounds))
    else:
        print(report.markdown(findings))
    sys.exit(int(any(is_failure(finding) for finding in findings)))


def is_failure(finding: Finding) -> bool:
    """Whether it says that a work failed, rather than that a peer is missing."""
    return isinstance(finding, Skipped) and finding.reason.startswith(FAILED)


if __name__ == "__main__":
    main()
