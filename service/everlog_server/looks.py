"""Looking again and again, whatever becomes of a look: the one shape of all loops that do.

A loop ends with the server, and not before. PostgreSQL may refuse a look for any reason (a right
that was taken away, a damaged page, a defect of ours): none is worth ending the calls that need
nothing of it. So a look that fails is taken again, ever later; and it is said once, not each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from everlog_server.errors import EverlogError

_REST_SECONDS_MIN = 1.0
_REST_SECONDS_MAX = 10.0
_SAID_AGAIN_SECONDS = 300.0

_log = structlog.get_logger(__name__)


class Looks:
    """How the looks of one loop go."""

    def __init__(self, event: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`event`: what the log says when a look fails."""
        self._event = event
        self._clock = clock
        self._failed = 0
        """How many looks have, one after the other, for no reason that passes by itself."""
        self._rests_until = 0.0
        self._said: type[Exception] | None = None
        self._said_at = 0.0

    @property
    def rest_seconds(self) -> float:
        """How long not to look again; 0.0 unless the last look has failed for such a reason."""
        return max(0.0, self._rests_until - self._clock())

    @contextmanager
    def survived(self, **of: object) -> Iterator[None]:
        """The block is one look; whatever it raises ends here. `of` is logged with it.

        Our own errors (PostgreSQL is away, or busy) are expected, and give no rest: the loop looks
        again at its own pace. Others rest for 1 s, twice as long each time, up to 10 s.
        """
        try:
            yield
        except EverlogError as error:
            _log.debug(self._event, error=error.message, **of)
        except Exception as error:
            self._note(error, of)
        else:
            self._failed = 0

    def _note(self, error: Exception, of: dict[str, object]) -> None:
        now = self._clock()
        rest_seconds = min(_REST_SECONDS_MIN * 2 ** min(self._failed, 10), _REST_SECONDS_MAX)
        self._failed += 1
        self._rests_until = now + rest_seconds
        if type(error) is self._said and now - self._said_at < _SAID_AGAIN_SECONDS:
            _log.debug(self._event, error=str(error), failed=self._failed, **of)
            return
        self._said, self._said_at = type(error), now
        _log.error(self._event, failed=self._failed, exc_info=error, **of)
