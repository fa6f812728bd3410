"""What an examination finds, and how bad it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """From good to bad; the worst of all findings is the examination's."""

    FINE = 0
    UNKNOWN = 1
    """It could not be looked at."""
    WARNING = 2
    """It works, and will not for ever, or not as well as it could."""
    PROBLEM = 3
    """Something is promised that does not hold, or does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What was looked at: one word of `CHECKS`."""
    severity: Severity
    what: str
    why: str = ""
    """Why it matters; empty when it is fine."""
    command: str = ""
    """What mends it: SQL or a command line, or, where that takes a decision, a sentence."""


def fine(check: str, what: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check=check, severity=Severity.FINE, what=what)


def warning(check: str, what: str, *, why: str, command: str) -> Finding:
    """Something should be done."""
    return Finding(check=check, severity=Severity.WARNING, what=what, why=why, command=command)


def problem(check: str, what: str, *, why: str, command: str) -> Finding:
    """Something must be done."""
    return Finding(check=check, severity=Severity.PROBLEM, what=what, why=why, command=command)
