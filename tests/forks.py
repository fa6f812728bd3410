"""Processes of `everlog`, forked from one that has imported it already.

A server is ready in a tenth of the processor's time that a new interpreter takes to import it, and
is as much a process of its own: with a pid, signals, an environment, exit codes and kill -9. How
`python -m everlog_server` itself starts is for others to test (tests/integration/test_serve.py).

    tests ──one socket──▶ the stem, which has imported all and runs nothing ──fork()──▶ everlog …
      ▲                                                                          │
      └────────── of each process a pipe: its pid, and then its exit code ───────┘

The stem has neither threads nor an event loop, as a process that forks must not. It ends with the
socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_BYTES_MAX = 1024 * 1024
_HERE = "tests.forks"


class Forked:
    """A process that runs, as `subprocess.Popen` has it."""

    def __init__(self, pid: int, ending: int) -> None:
        """`ending`: the pipe that tells the exit code."""
        self.pid = pid
        self._ending = ending
        self._returncode: int | None = None

    @property
    def returncode(self) -> int | None:
        """The exit code; negative: the signal that ended it; None: it runs."""
        if self._returncode is None and select.select([self._ending], [], [], 0)[0]:
            told = os.read(self._ending, 64)
            os.close(self._ending)
            assert told, "the process that forks has died"
            self._returncode = int(told)
        return self._returncode

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError when it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError(self.pid)
        os.kill(self.pid, number)

    async def wait(self) -> int:
        """Returns its exit code once it has ended."""
        while self.returncode is None:
            loop = asyncio.get_running_loop()
            ended = asyncio.Event()
            pipe = os.dup(self._ending)  # of this call alone: several may wait
            loop.add_reader(pipe, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(pipe)
                os.close(pipe)
        return self.returncode


def everlog(*arguments: str, environment: Mapping[str, str], output: int) -> Forked:
    """Runs `everlog` with this environment; what it says goes to the descriptor `output`."""
    ending, told = os.pipe()
    try:
        request = json.dumps([arguments, dict(environment), str(Path.cwd())]).encode()
        assert len(request) < _REQUEST_BYTES_MAX
        socket.send_fds(_stem(), [request], [output, told])
    finally:
        os.close(told)
    return Forked(int(os.read(ending, 64)), ending)


@cache
def _stem() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _REQUEST_BYTES_MAX)
    with theirs:
        # Popen would warn of a process that still runs at the end of this one, as this one does.
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", _HERE],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)],
        )
    return ours


# --- The stem -------------------------------------------------------------------------------------


def _serve_requests(requests: socket.socket) -> list[str] | None:
    """Forks at each request; returns in the new process, with its arguments, and at the end."""
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    endings: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _tell_endings(endings)
        if requests not in ready:
            continue
        request, descriptors, _, _ = socket.recv_fds(requests, _REQUEST_BYTES_MAX, 2)
        if not request:
            return None
        output, told = descriptors
        arguments, environment, folder = json.loads(request)
        if pid := os.fork():
            os.write(told, str(pid).encode())
            os.close(output)
            endings[pid] = told
            continue
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        requests.close()
        for descriptor in (wake, woken, told, *endings.values()):
            os.close(descriptor)
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        return list(arguments)


def _tell_endings(endings: dict[int, int]) -> None:
    while endings:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told = endings.pop(pid)
        # Whoever asked may be gone; that is no reason to end the others.
        with contextlib.suppress(BrokenPipeError):
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(told)


def _main() -> None:
    # Whoever presses Ctrl-C means the tests, which then end what they have started.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import gc  # noqa: PLC0415

    import everlog_server.app  # noqa: PLC0415
    import everlog_server.cli.project  # noqa: PLC0415
    import everlog_server.cli.serve  # noqa: PLC0415
    import everlog_server.projections  # noqa: F401, PLC0415
    from everlog_server.cli import everlog as command  # noqa: PLC0415

    gc.collect()
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    arguments = _serve_requests(requests)
    if arguments is not None:
        command.main(arguments, prog_name="everlog")


if __name__ == "__main__":
    _main()
