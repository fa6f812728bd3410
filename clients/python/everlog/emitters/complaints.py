"""What the log is told of failures: the first of a kind at once, then one line in a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress

LOGGER = logging.getLogger("everlog.emitters")

_INTERVAL_SECONDS = 10.0


class Complaints:
    """Says what goes wrong without flooding the log; any number of threads may complain.

    It takes no lock: two threads that complain in one instant may both be heard, which is harmless,
    and a logging handler that itself emits finds nothing locked.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._last: dict[str, tuple[float, int]] = {}  # by kind: when it was said, how many since

    def say(self, kind: str, message: Callable[[], str]) -> None:
        """Warn, or count it for the next line of its kind, due after 10 s. Never raises."""
        now = time.monotonic()
        said, unsaid = self._last.get(kind, (-_INTERVAL_SECONDS, 0))
        if now - said < _INTERVAL_SECONDS:
            self._last[kind] = (said, unsaid + 1)
            return
        self._last[kind] = (now, 0)
        more = f" (and {unsaid:,} more like it since the last such line)" if unsaid else ""
        # An exception without a text, a handler that fails: there is nobody to be told, and whoever
        # emitted must not be the one.
        with suppress(Exception):
            LOGGER.warning("%s: %s%s", self._subject, message(), more)

    def is_over(self, message: str) -> None:
        """Tell that there is nothing to complain of any longer. Never raises."""
        with suppress(Exception):
            LOGGER.info("%s: %s", self._subject, message)
