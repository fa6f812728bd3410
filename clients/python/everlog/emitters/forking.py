"""Locks of modules, which a fork may find held by a thread that the child does not have."""

from __future__ import annotations

import os
import threading
from contextlib import AbstractContextManager
from types import TracebackType


class ForkableLock:
    """A reentrant lock that is free in the child of a fork. One for a module: it is never dropped.

    Reentrant, because a signal handler that emits, or a listener of what is done under the lock,
    runs in the very thread that holds it.
    """

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock: AbstractContextManager[bool] = threading.RLock()

    def __enter__(self) -> None:
        self._lock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, error, traceback)
