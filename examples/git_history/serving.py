"""A server for the demo: the one that runs already, or one of its own for as long as it lasts."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import STDOUT, Popen, TimeoutExpired
from tempfile import TemporaryDirectory

import everlog

_START_SECONDS_MAX = 120
_STOP_SECONDS_MAX = 30


class ServerError(Exception):
    """The server did not start."""


@contextmanager
def server() -> Iterator[tuple[str, bool]]:
    """Give the URL of a server, and whether it was started for us; then it is stopped at the end.

    It is the one at EVERLOG_URL (or the default address) if that answers. A server of our own keeps
    its data in everlog's default folder, so that the next one finds it again.
    """
    url = os.environ.get("EVERLOG_URL", everlog.DEFAULT_URL)
    if asyncio.run(_answers(url)):
        yield url, False
        return
    with TemporaryDirectory(prefix="everlog-demo-") as folder:
        ready_file, log_file = Path(folder, "ready.json"), Path(folder, "server.log")
        command = [sys.executable, "-m", "everlog_server", "serve", "--port", "0"]
        with log_file.open("wb") as log:
            process = Popen([*command, "--ready-file", ready_file], stdout=log, stderr=STDOUT)
        try:
            yield _address(process, ready_file, log_file), True
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except TimeoutExpired:
                process.kill()
                process.wait()


async def _answers(url: str) -> bool:
    try:
        async with everlog.connect(url, timeout_seconds=2, backoff=None) as client:
            await client.head()
    except (everlog.Unavailable, everlog.DeadlineExceeded):
        return False
    return True


def _address(process: Popen[bytes], ready_file: Path, log_file: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(f"the server did not start:\n{log_file.read_text()}")
        time.sleep(0.05)
    address: str = json.loads(ready_file.read_text())["address"]
    return address
