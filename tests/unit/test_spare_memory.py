"""Memory that was freed is given back, beyond what is to be kept; what is used is left alone."""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from everlog_server.spare_memory import SpareMemory, resident_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1024 * 1024
BLOCK_BYTES = 64 * 1024  # below M_MMAP_THRESHOLD, above which freeing gives back by itself
BLOCKS = 1_024
KEPT_BYTES_MAX = 16 * MIB
SLACK_BYTES = 8 * MIB

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="the C library is not glibc",
)


@contextmanager
def taken() -> Iterator[Callable[[], None]]:
    """64 MiB of malloc's; what comes back frees them below a block that stays until the end."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(BLOCK_BYTES) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, BLOCK_BYTES)
    top = libc.malloc(BLOCK_BYTES)

    def free() -> None:
        while blocks:
            libc.free(blocks.pop())

    try:
        yield free
    finally:
        free()
        libc.free(top)


@pytest.fixture(autouse=True)
def _nothing_is_spare() -> None:
    """Else blocks would be taken from what other tests have left."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def test_what_was_freed_is_given_back_once() -> None:
    spare = SpareMemory(kept_bytes_max=KEPT_BYTES_MAX)
    before = resident_bytes()
    with taken() as free:
        free()
        kept = resident_bytes() - before
        assert kept > BLOCKS * BLOCK_BYTES - SLACK_BYTES  # by glibc: else this tests nothing
        assert spare.look() > kept - SLACK_BYTES
        assert resident_bytes() < before + SLACK_BYTES
        assert spare.look() == 0


def test_what_is_used_is_left_alone_and_given_back_after_its_end() -> None:
    spare = SpareMemory(kept_bytes_max=KEPT_BYTES_MAX)
    before = resident_bytes()
    with taken() as free:
        assert spare.look() == 0
        assert resident_bytes() > before + BLOCKS * BLOCK_BYTES - SLACK_BYTES
        free()
        assert spare.look() > BLOCKS * BLOCK_BYTES - SLACK_BYTES


def test_what_is_to_be_kept_is_kept() -> None:
    spare = SpareMemory(kept_bytes_max=BLOCKS * BLOCK_BYTES + SLACK_BYTES)
    with taken() as free:
        free()
        assert spare.look() == 0
