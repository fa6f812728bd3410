"""The findings as a table for people, and as JSON for programs."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benchmarks.figures import Comparison, Reading, Series, Skipped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Finding

_SIGNS = {"at least": "≥", "at most": "≤"}


def number(value: float) -> str:
    """A figure with three digits that mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cpu_text(side: Series) -> str:
    """CPU seconds of client, server and PostgreSQL, and the seconds that the run took."""
    cpu = side.cpu
    return f"{cpu.client:.1f} {cpu.server:.1f} {cpu.postgres:.1f} / {side.seconds:.1f}"


def row(finding: Finding) -> tuple[str, ...]:
    """One finding as the texts of a row."""
    match finding:
        case Comparison():
            low, high = min(finding.ratios), max(finding.ratios)
            return (
                finding.work,
                finding.label,
                finding.theirs.name,
                f"{number(finding.ours.median)} {finding.unit}",
                number(finding.theirs.median),
                f"{finding.ratio:.2f} ({low:.2f}–{high:.2f})",  # noqa: RUF001 - a range
                f"{_SIGNS[finding.wanted]} {finding.target:g}",
                "yes" if finding.is_met else "NO",
                cpu_text(finding.ours),
                cpu_text(finding.theirs),
            )
        case Reading():
            value = f"{number(finding.value)} {finding.unit}"
            limit = judged = ""
            if finding.limit is not None:
                limit = f"{_SIGNS[finding.wanted]} {finding.limit:g} {finding.unit}"
                judged = "yes" if finding.is_met else "NO"
            return (finding.work, finding.label, "", value, "", "", limit, judged, "", "")
        case Skipped():
            reason = f"skipped: {finding.reason}"
            return (finding.work, finding.label, reason, *[""] * 7)


COLUMNS = (
    "",
    "work",
    "beside",
    "ours",
    "theirs",
    "ratio (spread)",
    "target",
    "met",
    "CPU s ours: client server PostgreSQL / s",
    "CPU s theirs",
)


def table(findings: Sequence[Finding], *, rounds: int) -> Table:
    """All findings, as `make bench` shows them."""
    shown = Table(title=f"everlog beside its peers: medians of {rounds} rounds")
    for place, name in enumerate(COLUMNS):
        shown.add_column(name, justify="left" if place < 3 else "right")
    for finding in findings:
        style = None if isinstance(finding, Skipped) or finding.is_met else "bold red"
        shown.add_row(*row(finding), style=style)
    return shown


def markdown(findings: Sequence[Finding]) -> str:
    """The same as text, for a file or a pipe."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join(row(finding))} |" for finding in findings]
    return "\n".join(lines) + "\n"


def as_json(finding: Finding) -> dict[str, Any]:
    """Everything that is known of a finding."""
    match finding:
        case Comparison():
            return {
                "work": finding.work,
                "label": finding.label,
                "unit": finding.unit,
                "ratio": finding.ratio,
                "ratios": finding.ratios,
                "wanted": finding.wanted,
                "target": finding.target,
                "met": finding.is_met,
                "ours": _series(finding.ours),
                "theirs": _series(finding.theirs),
            }
        case Reading():
            return {
                "work": finding.work,
                "label": finding.label,
                "unit": finding.unit,
                "value": finding.value,
                "wanted": finding.wanted,
                "limit": finding.limit,
                "met": finding.is_met,
            }
        case Skipped():
            return {
                "work": finding.work,
                "label": finding.label,
                "skipped": finding.reason,
            }


def _series(side: Series) -> dict[str, Any]:
    return {
        "name": side.name,
        "median": side.median,
        "stdev": statistics.stdev(side.values) if len(side.values) > 1 else 0.0,
        "runs": [
            {
                "value": run.value(side.measure),
                "count": run.count,
                "seconds": run.seconds,
                "cpu_seconds": {
                    "client": run.cpu.client,
                    "server": run.cpu.server,
                    "postgres": run.cpu.postgres,
                },
                **run.details,
            }
            for run in side.runs
        ],
    }
