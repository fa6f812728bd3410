"""Fuzzing for a bounded time: what is checked, with what, and what was found before.

`EVERLOG_FUZZ_SECONDS` sets how long each target runs where the tests are slow ones. Each round has
a seed, so that what fails once fails again: `EVERLOG_FUZZ_SEED` is that of the first, 0 if absent.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

SHORT_SECONDS = 1.5
LONG_SECONDS = float(os.environ.get("EVERLOG_FUZZ_SECONDS", "4"))
FIRST_SEED = int(os.environ.get("EVERLOG_FUZZ_SEED", "0"))

_ROUND_EXAMPLES = 100
_CPU_SECONDS_MAX = 2.0
"""Of one input, all of which are small. Of the thread's own time: others may share the machine."""

_settings = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Target:
    """What must hold for every input of a kind."""

    name: str
    inputs: SearchStrategy[Any]
    check: Callable[[Any], None]
    """Raises, unless it holds."""
    found: tuple[Any, ...] = ()
    """Inputs for which it once did not hold."""

    def check_once(self, one: Any) -> None:
        """Checks one input, and that it takes no long time."""
        began = time.thread_time()
        self.check(one)
        spent = time.thread_time() - began
        assert spent < _CPU_SECONDS_MAX, f"{spent:.1f} s for one input"

    def run(self, seconds: float) -> None:
        """Checks inputs for so long, one round at least."""
        ends = time.monotonic() + seconds
        for number in count(FIRST_SEED):
            self.run_round(_ROUND_EXAMPLES, number)
            if time.monotonic() >= ends:
                return

    def run_round(self, examples: int, number: int) -> None:
        """Checks so many inputs: those of this number."""

        @seed(number)
        @settings(_settings, max_examples=examples)
        @given(self.inputs)
        def check(one: Any) -> None:
            self.check_once(one)

        check()
