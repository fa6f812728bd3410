"""Memory that was needed once, given back to the kernel.

glibc keeps what is freed below a chunk that stays, in the arena of each thread, and storage/pool.py
has it keep more yet: after a flood of calls it was 1.5 GB. Up to a bound that is wanted, as the
next page is read into it. Beyond, `malloc_trim` gives it back, in a thread of its own. Whoever
allocates in an arena meanwhile waits, for 0.1 to 0.5 ms a MiB that goes. So it is asked only when
it has something to give: memory in use is no reason, however much it is, and what can't be given
back (Python's own arenas) is one only once.

Protobuf does the same after each 10,000 blocks that its messages held (upb_trim_allocfunc), in the
loop's thread: some 2,500 Emits. A server with little to do does not get there.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from pathlib import Path

import structlog

from everlog_server.looks import Looks

_KEPT_BYTES_MAX = 128 * 1024 * 1024
_INTERVAL_SECONDS = 5.0
_STATM = Path("/proc/self/statm")

_log = structlog.get_logger(__name__)


class _MallInfo(ctypes.Structure):
    """`struct mallinfo2` of malloc.h; see mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


class SpareMemory:
    """How much of this process's memory is resident, though nothing uses it. Run `run` as a task.

    Does nothing where the C library is not glibc (2.33 or later).
    """

    def __init__(self, *, kept_bytes_max: int = _KEPT_BYTES_MAX) -> None:
        """`kept_bytes_max`: beyond it, what is spare is given back."""
        self._kept_bytes_max = kept_bytes_max
        self._looks = Looks("spare memory can't be given back")
        self._libc = _glibc()
        if self._libc is not None:
            self._began_at_bytes = resident_bytes()
            self._unused_bytes_least = _unused_bytes(self._libc, self._began_at_bytes)
            """Also that which malloc knows nothing of: code, stacks, Python's own arenas."""

    async def run(self) -> None:
        """For ever, unless there is nothing to do."""
        while self._libc is not None:
            await asyncio.sleep(max(_INTERVAL_SECONDS, self._looks.rest_seconds))
            with self._looks.survived():
                if resident_bytes() > self._began_at_bytes + self._kept_bytes_max:
                    await asyncio.to_thread(self.look)

    def look(self) -> int:
        """Gives back what is spare, if it is too much; returns how many bytes it was."""
        if self._libc is None:
            return 0
        before = resident_bytes()
        unused = _unused_bytes(self._libc, before)
        self._unused_bytes_least = min(self._unused_bytes_least, unused)
        if unused - self._unused_bytes_least <= self._kept_bytes_max:
            return 0
        began = time.monotonic()
        self._libc.malloc_trim(0)
        seconds = time.monotonic() - began
        after = resident_bytes()
        self._unused_bytes_least = _unused_bytes(self._libc, after)
        _log.info(
            "memory given back",
            bytes=before - after,
            resident_bytes=after,
            duration_ms=round(seconds * 1000, 3),
        )
        return before - after


def resident_bytes() -> int:
    """How much memory this process has of the machine's. Linux only: raises OSError elsewhere."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallinfo2") and hasattr(libc, "malloc_trim") and _STATM.exists()):
        return None
    libc.mallinfo2.restype = _MallInfo
    return libc


def _unused_bytes(libc: ctypes.CDLL, resident: int) -> int:
    """Of what is resident, that which nobody has asked malloc for."""
    info = libc.mallinfo2()
    return resident - int(info.uordblks) - int(info.hblkhd)
