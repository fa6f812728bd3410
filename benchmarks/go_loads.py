"""The tool `go`, and loads that it builds when they are first needed, into build/tools."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT, LoadFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = ROOT / "build" / "tools"
_FOLDER = Path(__file__).parent / "go"


def go(
    what: str, *arguments: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> None:
    """Runs `go`, for `what` is to be built. Raises LoadFailed, with what it said."""
    program = shutil.which("go")
    if program is None:
        raise LoadFailed(f"{what} is built by Go, and there is no go on this machine")
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LoadFailed(f"go {' '.join(arguments)} failed:\n{done.stderr}")


def program(name: str) -> Path:
    """The program of benchmarks/go/`name`, as its source is now. Raises LoadFailed."""
    built = TOOLS / name
    go(f"the load {name!r}", "build", "-o", str(built), f"./{name}", folder=_FOLDER)
    return built
