"""Facts of the machine and of what ran on it: versions, cores, date; no names, no paths."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

from benchmarks.sides.peers import MESSAGE_DB, PYTHON_PEERS

_OURS = ("everlog-server", "grpcio", "protobuf", "psycopg", "uvloop")


def machine_facts(postgres_versions: dict[str, str], load_before: float) -> dict[str, str | float]:
    """What a reader needs to judge the figures."""
    facts: dict[str, str | float] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count() or 0,
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": round(load_before, 2),
        "python": platform.python_version(),
    }
    facts |= {name: metadata.version(name) for name in _OURS}
    facts |= {f"PostgreSQL ({name})": version for name, version in postgres_versions.items()}
    peers = {name: PYTHON_PEERS[name] for name in ("umadb", "eventsourcing")}
    return {**facts, **peers, "message-db": MESSAGE_DB}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
