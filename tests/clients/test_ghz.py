"""The load test itself: every work of benchmarks/ghz runs without an error, and leaves reports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolchains import require

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.polyglot, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("source", [[], ["--protos"]], ids=["reflection", "protos"])
def test_every_work_runs_without_an_error(source: list[str]) -> None:
    require("go", "ghz is built by Go, and there is no go on this machine")
    shutil.rmtree(ROOT / "build" / "load", ignore_errors=True)
    arguments = ["--duration", "1", "--concurrency", "8", "--connections", "4", *source]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ghz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reports = {path.name for path in (ROOT / "build" / "load").iterdir()}
    for work in ("emit", "emit-batch", "query", "replay", "subscribe"):
        assert {f"{work}.json", f"{work}.html"} <= reports
