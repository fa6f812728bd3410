"""`make load`: runs every work against an ephemeral server, or yours, and shows a table.

    .venv/bin/python -m benchmarks.ghz [--duration 10] [--only emit,query] [--address host:port]

ghz's own reports go to build/load/. It writes one format a run: the figures are of the JSON
reports, each HTML report is of a second, shorter run. Exit code 1 when a call ended as it should
not.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.ghz.tool import Result, command, install, read_report
from benchmarks.processes import ROOT, LoadFailed, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WORKS = ("emit", "emit-batch", "query", "replay", "subscribe")
REPORTS = ROOT / "build" / "load"
_HTML_SECONDS_MAX = 5


def run(arguments: Sequence[str], progress: Progress, label: str, seconds: float) -> None:
    """Run ghz; raises LoadFailed with what it said when it could not."""
    bar = progress.add_task(label, total=seconds)
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(arguments, stdout=said, stderr=subprocess.STDOUT)
        try:
            began = time.monotonic()
            while process.poll() is None:
                time.sleep(0.1)
                progress.update(bar, completed=min(seconds, time.monotonic() - began))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        progress.update(bar, completed=seconds)
        if process.returncode != 0:
            said.seek(0)
            raise LoadFailed(f"{label}: ghz ended with {process.returncode}\n{said.read()}")


def load(
    program: Path, options: argparse.Namespace, address: str, progress: Progress
) -> Iterator[Result]:
    """Run each work, and give what it came to."""
    from_protos: bool = options.protos
    plain = () if options.tls else ("--insecure",)
    seed = REPORTS / "seed.json"
    seeding = command(
        *(program, "seed", address, *plain, *options.ghz),
        *("--format", "json", "--output", str(seed)),
        from_protos=from_protos,
    )
    run(seeding, progress, "seed", 1)
    yield read_report(seed, "seed")
    clients = ("--concurrency", str(options.concurrency), "--connections", str(options.connections))
    for work in options.only:
        for kind, seconds in (
            ("json", options.duration),
            ("html", min(options.duration, _HTML_SECONDS_MAX)),
        ):
            report = REPORTS / f"{work}.{kind}"
            flags = ("--duration", f"{seconds}s", "--format", kind, "--output", str(report))
            arguments = command(
                *(program, work, address, *plain, *clients, *flags, *options.ghz),
                from_protos=from_protos,
            )
            run(arguments, progress, f"{work} ({kind})", seconds)
        yield read_report(REPORTS / f"{work}.json", work)


def table(results: Sequence[Result]) -> Table:
    """The results for people."""
    shown = Table(title="ghz: milliseconds, and calls per second")
    for heading in ("work", "calls", "rps", "p50", "p95", "p99", "errors"):
        shown.add_column(heading, justify="left" if heading in {"work", "errors"} else "right")
    for result in results:
        shown.add_row(
            result.title,
            f"{result.calls:,}",
            f"{result.calls_per_second:,.0f}",
            *(f"{latency:.1f}" for latency in (result.p50, result.p95, result.p99)),
            ", ".join(f"{count} {code}" for code, count in result.errors.items()) or "0",
        )
    return shown


@contextmanager
def server(options: argparse.Namespace) -> Iterator[str]:
    """The address of the server: the one that is given, or one of our own meanwhile."""
    if options.address:
        yield options.address
        return
    with tempfile.TemporaryDirectory() as folder:
        ready, log = Path(folder, "ready.json"), Path(folder, "log")
        serve = [sys.executable, "-m", "everlog_server", "serve", "--ephemeral", "--port", "0"]
        with running([*serve, "--ready-file", str(ready)], log=log) as process:
            wait_until(ready.exists, process, log=log)
            yield json.loads(ready.read_text())["address"]


def main() -> int:
    """Parse the command line, run, print; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ghz", description=__doc__)
    parser.add_argument("--duration", type=int, default=10, help="seconds for each work (10)")
    parser.add_argument("--concurrency", type=int, default=64, help="calls at a time (64)")
    parser.add_argument("--connections", type=int, default=64, help="connections (64)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(WORKS))
    parser.add_argument("--address", help="host:port of a running server; it is written to")
    parser.add_argument("--tls", action="store_true", help="the server speaks TLS")
    parser.add_argument("--protos", action="store_true", help="use protos/, not the reflection")
    parser.add_argument("ghz", nargs="*", help="after --: further flags for ghz")
    options = parser.parse_args()
    if unknown := set(options.only) - set(WORKS):
        parser.error(f"--only {','.join(sorted(unknown))}: the works are {', '.join(WORKS)}")
    console = Console()
    REPORTS.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    try:
        program = install()
        with server(options) as address, Progress(console=console, transient=True) as progress:
            results.extend(load(program, options, address, progress))
    except LoadFailed as error:
        console.print(str(error), style="red", markup=False)
        return 1
    console.print(table(results[1:]))
    console.print(f"ghz's reports are in {REPORTS.relative_to(ROOT)}/", markup=False)
    failed = [result for result in results if result.errors or not result.calls]
    for result in failed:
        console.print(f"FAILED {result.title}: {result.errors or 'no calls'}", markup=False)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
