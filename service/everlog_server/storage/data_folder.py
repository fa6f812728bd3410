"""The folder in which an embedded PostgreSQL lives: where it is, who holds it, how it goes away.

The mode and owner of a folder that exists are never changed, least of all a parent's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from everlog_server.storage.postgres_binaries import EmbeddedPostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

# `read` returns when the other end of the pipe is closed. Nothing is lost by SIGQUIT, PostgreSQL's
# immediate shutdown: the data is about to be removed.
_WATCHER = """
read -r _
pid=$(head -n 1 "$1/pgdata/postmaster.pid" 2>/dev/null)
[ -n "$pid" ] && kill -QUIT "$pid"
tries=0
while [ -e "$1/pgdata/postmaster.pid" ] && [ $tries -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
rm -rf "$1"
"""


class DataFolderInUseError(EmbeddedPostgresError):
    """Another everlog uses the data folder."""


def default_data_dir() -> Path:
    """Where the data lies when nobody says otherwise.

    For root never under a home: that is closed to the user whom PostgreSQL runs as.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/everlog")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "everlog"


def make_lasting(folder: Path) -> Path:
    """Makes the folder if there is none; returns its absolute path, symbolic links kept."""
    folder = folder.expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise EmbeddedPostgresError(f"{folder} can't be the data folder: it is a file")
    folder.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def temporary() -> Iterator[Path]:
    """A new folder. When the block ends or this process dies, it goes, and PostgreSQL in it too.

    A watcher does that: a shell that waits for the end of a pipe that only this process holds open.
    """
    folder = Path(tempfile.mkdtemp(prefix="everlog-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)  # PostgreSQL's user has to pass through to the folders of its own.
    command = ["/bin/sh", "-c", _WATCHER, "everlog-watcher", str(folder)]
    # Its own session: Ctrl-C in a terminal goes to the whole process group.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield folder  # On leaving, Popen closes the pipe and waits for the watcher.


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the data folder for this process: against a second everlog, until the block ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise DataFolderInUseError(
                f"{path.parent} is in use by everlog with pid {file.read().strip() or 'unknown'}: "
                "give this one another --data-dir, or that one more --workers"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
