"""The embedded PostgreSQL as anybody on this machine can find it, also who has not started it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from everlog_server.errors import StorageUnavailableError
from everlog_server.storage import data_folder

DATABASE = "everlog"
SUPERUSER = "postgres"
PORT = 5432
"""Names the socket file only: there is no TCP."""


@dataclass(frozen=True, slots=True)
class RunningEmbedded:
    """An embedded PostgreSQL that another process runs."""

    data_dir: Path
    dsn: str


def running_embedded(data_dir: Path | None) -> RunningEmbedded:
    """The one in this folder, or in the default one. Starts nothing, and makes no folder.

    Raises StorageUnavailableError when there is none, or it does not run.
    """
    folder = (data_dir or data_folder.default_data_dir()).expanduser().absolute()
    try:
        lines = (folder / "pgdata" / "postmaster.pid").read_text().splitlines()
        pid, socket_dir = int(lines[0]), lines[4]
    except FileNotFoundError:
        pid, socket_dir = 0, ""
    except (OSError, IndexError, ValueError) as error:
        raise StorageUnavailableError(f"{folder} can't be looked into: {error}") from error
    if not pid or not runs(pid):
        raise StorageUnavailableError(
            f"no embedded PostgreSQL runs in {folder}: start it with everlog serve, or name"
            " another's folder by --data-dir, or a PostgreSQL of yours by EVERLOG_DATABASE_URL"
        )
    return RunningEmbedded(folder, dsn_at(socket_dir, DATABASE))


def dsn_at(socket_dir: str | Path, database: str) -> str:
    """A URL for the superuser on a database of the cluster whose socket is there."""
    return (
        f"postgresql://{SUPERUSER}@/{database}?host={quote(str(socket_dir), safe='')}&port={PORT}"
    )


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has reaped does not."""
    try:
        if sys.platform != "linux":
            os.kill(pid, 0)
            return True
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return False
    # The name: its pid may have been given to another process since.
    return name.endswith("(postgres") and rest.split()[0] not in {"Z", "X"}
