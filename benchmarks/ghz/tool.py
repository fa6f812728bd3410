"""ghz, the program: installed, pinned, under build/tools; and one run of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google.rpc

from benchmarks.go_loads import TOOLS, go
from benchmarks.processes import ROOT

VERSION = "v0.121.0"
_MODULE = f"github.com/bojand/ghz/cmd/ghz@{VERSION}"
_FOLDER = TOOLS / f"ghz-{VERSION}"
_WORKS = Path(__file__).parent

# A Subscribe never ends by itself: ghz hangs up after the first batch, and calls that `Canceled`.
HANGS_UP = "subscribe"


def install() -> Path:
    """Return the program; installs it if it is not there yet, which takes a minute or two."""
    program = _FOLDER / "ghz"
    if program.exists():
        return program
    if shutil.which("go") is not None:
        print(f"Installing ghz {VERSION} into build/tools: a minute or two, once.")
    go("ghz", "install", _MODULE, environment={"GOBIN": str(_FOLDER)})
    return program


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one work came to; latencies in milliseconds."""

    work: str
    title: str
    calls: int
    calls_per_second: float
    p50: float
    p95: float
    p99: float
    errors: dict[str, int]
    """Calls by the code that they ended with, but for those that ended as they should."""

    @classmethod
    def of(cls, work: str, report: dict[str, Any]) -> Result:
        """Read ghz's own report."""
        latencies = {
            entry["percentage"]: entry["latency"] / 1e6
            for entry in report["latencyDistribution"] or ()
        }
        expected = "Canceled" if work == HANGS_UP else "OK"
        return cls(
            work=work,
            title=report["name"],
            calls=report["count"],
            calls_per_second=report["rps"],
            p50=latencies.get(50, float("nan")),
            p95=latencies.get(95, float("nan")),
            p99=latencies.get(99, float("nan")),
            errors={
                code: count
                for code, count in (report["statusCodeDistribution"] or {}).items()
                if code != expected
            },
        )


def command(program: Path, work: str, address: str, *flags: str, from_protos: bool) -> list[str]:
    """One run of one work; what the messages are say the server's reflection, or the protos."""
    protos: list[str] = []
    if from_protos:
        # google/rpc/*.proto come with googleapis-common-protos.
        others = Path(next(iter(google.rpc.__path__))).parents[1]
        protos = ["--proto", str(ROOT / "protos" / "everlog" / "v1" / "event_store.proto")]
        protos += ["--import-paths", f"{ROOT / 'protos'},{others}"]
    return [str(program), "--config", str(_WORKS / f"{work}.json"), *protos, *flags, address]


def read_report(path: Path, work: str) -> Result:
    """Read what ghz wrote."""
    return Result.of(work, json.loads(path.read_text(encoding="utf-8")))
