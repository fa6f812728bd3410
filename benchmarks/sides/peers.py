"""The peers' packages, in places of their own under build/bench: set up once, versions pinned."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "build" / "bench"
PYTHON_PEERS = {
    "umadb": "0.7.8",
    "eventsourcing": "9.5.6",
    "psycopg[binary]": "3.3.9",
    "psycopg-pool": "3.3.3",
}
MESSAGE_DB = "1.3.1"
_SETUP_SECONDS_MAX = 300


class PeerMissing(Exception):
    """A peer could not be set up; the text says why."""


@cache
def python_peers() -> Path:
    """The bin folder of a venv with the Python peers."""
    venv = FOLDER / "python"
    wanted = [f"{name}=={version}" for name, version in PYTHON_PEERS.items()]
    stamp = venv / "peers.txt"
    if not stamp.exists() or stamp.read_text().split() != wanted:
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(venv))
        _run(str(venv / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", *wanted)
        stamp.write_text("\n".join(wanted))
    return venv / "bin"


@cache
def message_db() -> Path:
    """The folder of message-db's SQL."""
    folder = FOLDER / "node"
    package = folder / "node_modules" / "@eventide" / "message-db"
    stamp = folder / f"message-db-{MESSAGE_DB}"
    if not stamp.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise PeerMissing("no npm on this machine")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        name = f"@eventide/message-db@{MESSAGE_DB}"
        _run(npm, "install", "--silent", "--no-audit", "--no-fund", f"--prefix={folder}", name)
        stamp.touch()
    return package / "database"


def _run(*command: str) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_SETUP_SECONDS_MAX
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise PeerMissing(said[-1] if said else str(error)) from error
