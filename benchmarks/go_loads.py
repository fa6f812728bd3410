"""Loads in Go: built when they are first needed, into build/tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from benchmarks.processes import ROOT, LoadFailed

_FOLDER = Path(__file__).parent / "go"


def program(name: str) -> Path:
    """The program of benchmarks/go/`name`, as its source is now. Raises LoadFailed."""
    go = shutil.which("go")
    if go is None:
        raise LoadFailed(f"the load {name!r} is built by Go, and there is no go on this machine")
    built = ROOT / "build" / "tools" / name
    done = subprocess.run(
        [go, "build", "-o", str(built), f"./{name}"],
        cwd=_FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailed(f"go build of the load {name!r} failed:\n{done.stderr}")
    return built
