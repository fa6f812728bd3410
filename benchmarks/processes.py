"""Processes of a measurement: servers that are watched, and loads that are clients.

A load (`benchmarks.loads.*`) is a process of its own. It prepares, writes a line `ready`, waits for
a line `go`, works, and writes one line of JSON: see loads/common.py. What the watched processes use
of the CPU is read right before `go` and right after the answer.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.figures import Cpu, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
LOAD_SECONDS_MAX = 200
_STOP_SECONDS = 30


class LoadFailed(Exception):
    """A load ended without a result, or its count is not what went in."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a load talks to, and whose CPU it costs."""

    address: str
    pid: int | None
    """None: there is only PostgreSQL."""

    postgres_pid: int | None = None


def cpu_seconds(pid: int | None) -> float:
    """CPU seconds of a process and all its descendants, also of those that it has waited for."""
    if pid is None:
        return 0.0
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(member.cpu_times()[:4])
    return total


def resident_bytes(pid: int) -> int:
    """Memory of a process and all its descendants."""
    process = psutil.Process(pid)
    members = (process, *process.children(recursive=True))
    return sum(member.memory_info().rss for member in members)


class Load:
    """One load process, from its start to its result."""

    def __init__(
        self,
        load: str | Path,
        parameters: Mapping[str, Any],
        *,
        python: str = sys.executable,
        seconds_max: float = LOAD_SECONDS_MAX,
        niceness: int = 0,
    ) -> None:
        """`load`: a module of `benchmarks.loads`, or a program.

        `niceness`: above 0, it gives way to what it measures, as far as it can on one machine.
        """
        self._name = str(load if isinstance(load, str) else load.name)
        self._seconds_max = seconds_max
        command = [python, "-m", f"benchmarks.loads.{load}"] if isinstance(load, str) else [load]
        self._process = subprocess.Popen(
            ["nice", "-n", str(niceness), *command, json.dumps(parameters)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._timer = threading.Timer(seconds_max, self._process.kill)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> Load:
        if self._read_line() != "ready":
            self.__exit__()
            raise LoadFailed(f"{self._name} could not prepare: what it said is above")
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        with self._process:  # closes its pipes, and waits
            pass

    def go(self) -> None:
        """Starts what is measured."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, float]:
        """Waits for what was measured."""
        line = self._read_line()
        if not line.startswith("{"):
            raise LoadFailed(f"{self._name} failed, or took longer than {self._seconds_max:g} s")
        result: dict[str, float] = json.loads(line)
        return result

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def run_load(
    service: Service,
    module: str,
    parameters: Mapping[str, Any],
    *,
    python: str = sys.executable,
    expected: int,
) -> Run:
    """Runs one load against a service; raises LoadFailed unless it counts what is expected."""
    with Load(module, {"address": service.address, **parameters}, python=python) as load:
        server, postgres = cpu_seconds(service.pid), cpu_seconds(service.postgres_pid)
        load.go()
        result = load.result()
        server = cpu_seconds(service.pid) - server
        postgres = cpu_seconds(service.postgres_pid) - postgres
    return make_run(result, server=server, postgres=postgres, expected=expected)


def make_run(result: Mapping[str, float], *, server: float, postgres: float, expected: int) -> Run:
    """Checks the count of a load's result, and puts it beside the CPU of the others."""
    details = dict(result)
    count = int(details.pop("count"))
    check_count("counted by the client", count, expected)
    seconds = details.pop("seconds")
    return Run(count, seconds, Cpu(details.pop("cpu_seconds"), server, postgres), details)


def check_count(what: str, found: int, expected: int) -> None:
    """Raises LoadFailed when something is missing, or there is too much."""
    if found != expected:
        raise LoadFailed(f"{what}: {found:,}, expected {expected:,}")


@contextmanager
def running(
    command: Iterable[str], *, log: Path, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process; it gets SIGTERM at the end, and is killed if that does not help."""
    with log.open("ab") as output:
        process = subprocess.Popen(list(command), cwd=ROOT, stdout=output, stderr=output, **options)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, seconds: float = 30
) -> None:
    """Waits until `ready()` is true; raises LoadFailed when the process ends or time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            # Only the last line: results name no paths.
            said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise LoadFailed(f"a server did not start: {said[-1].partition(' (/')[0]}")
        time.sleep(0.02)
