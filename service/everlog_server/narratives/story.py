"""What a story is made of: steps in the order of the log, and how they name each other."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from everlog_server.model import LinkKind, Outcome

_FAILED_TYPE = re.compile(r"(^|.*[._-])(failed|failure|error|errored|exception)|error[._].*", re.I)
_ERROR_FIELDS = (
    "error",
    "error_message",
    "errorMessage",
    "error_code",
    "errorCode",
    "errors",
    "exception",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event of the story. Optional text is empty when there is none; times in microseconds."""

    event_id: str
    event_type: str
    aggregate: str
    sequence: int
    occurred_time: int
    source: str = ""
    actor: str = ""
    problem: str = ""
    pain_point: str = ""
    goal: str = ""
    expected_outcome: str = ""
    expected_impact: str = ""
    decision: str = ""
    category: str = ""
    data: str = ""
    """Its JSON data; empty when it has none."""
    outcome: Outcome | None = None
    summary: str = ""
    """What a saved narrative says of it in short."""

    @property
    def error(self) -> str | None:
        """What went wrong, if it tells of a failure; empty when it doesn't say what."""
        said = _error_in(self.data)
        if said is not None:
            return said
        return "" if _FAILED_TYPE.fullmatch(self.event_type) else None


@dataclass(frozen=True, slots=True)
class Link:
    """That one step names another, both as places among the steps and what dangles behind them."""

    from_place: int
    to_place: int
    kind: LinkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An event's workflow."""

    about: str
    """The id of the event that was asked about."""
    steps: tuple[Step, ...]
    links: tuple[Link, ...]
    dangling: tuple[str, ...]
    """Ids of events that are named and not there."""
    passed_over: int
    """How many events of the workflow are left out because people need not be told of them."""
    is_truncated: bool


def _error_in(data: str) -> str | None:
    if "rror" not in data and "exception" not in data:
        return None
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    said = [_said(fields[name]) for name in _ERROR_FIELDS if fields.get(name)]
    return "; ".join(said) if said else None


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
