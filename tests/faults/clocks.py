"""Wall clocks that jump: of one server, or of PostgreSQL, by a small library that is preloaded.

It is compiled by the machine's own C compiler; where there is none, clocks stand as they are.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The wall clock of processes that are started with `environment`."""

    def __init__(self, library: Path | None, file: Path) -> None:
        self._file = file
        self._file.write_bytes(bytes(8))
        self._file.chmod(0o644)
        self.environment = (
            {"LD_PRELOAD": str(library), "EVERLOG_CLOCK_FILE": str(file)} if library else {}
        )

    def shift(self, seconds: float) -> None:
        """Has it go wrong by so much, from now on."""
        with self._file.open("r+b") as file:
            file.write(round(seconds * 1_000_000).to_bytes(8, "little", signed=True))


def compiled_in(folder: Path) -> Path | None:
    """The library; None where nobody can make it."""
    compiler = shutil.which("cc")
    library = folder / "clock.so"
    if compiler is None:
        return None
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return None
    library.chmod(0o755)
    return library
