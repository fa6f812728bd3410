"""message-db in a database: its own install script, run by Debian's psql."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from benchmarks.sides.peers import PeerMissing, message_db

if TYPE_CHECKING:
    from benchmarks.sides.clusters import Cluster


def install_message_db(cluster: Cluster, database: str) -> None:
    """Puts message-db's schema into an existing, empty database. Raises PeerMissing."""
    bash = shutil.which("bash")
    if bash is None:
        raise PeerMissing("no bash, which message-db's install script is written for")
    done = subprocess.run(
        [bash, str(message_db() / "install.sh")],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PATH": f"{cluster.programs}:{os.environ['PATH']}",
            "PGHOST": cluster.socket_dir,
            "PGUSER": "postgres",
            "DATABASE_NAME": database,
            "CREATE_DATABASE": "off",
        },
    )
    if done.returncode:
        raise PeerMissing(f"message-db's install script ended with {done.returncode}")
    # Its own clients set this, too: the functions name each other without the schema.
    cluster.execute(f"ALTER DATABASE {database} SET search_path TO message_store, public", database)
