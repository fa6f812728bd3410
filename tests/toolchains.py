"""Tests that need a tool of another language: left out where there is none, but not in CI."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def must_be_here() -> bool:
    """Whether a missing tool is a failure, rather than a reason to leave a test out."""
    return os.environ.get("CI") == "true"


def leave_out(why: str) -> NoReturn:
    """Skips the test; fails it in CI."""
    if must_be_here():
        pytest.fail(why)
    pytest.skip(why)


def require(tool: str, why: str) -> None:
    """Leaves the test out for this reason, unless the program is on PATH."""
    if shutil.which(tool) is None:
        leave_out(why)
