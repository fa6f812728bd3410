"""docs/plans.md, from what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.explain.cases import FILES, NOT_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.explain.case import Case, SqlFile
    from benchmarks.explain.measuring import Measured, Measurer, Touched

_PREFACE = Path(__file__).with_name("preface.md")


def page(measurer: Measurer) -> Iterator[str]:
    """Its lines."""
    preface = _PREFACE.read_text(encoding="utf-8")
    yield preface.format(version=measurer.version.split()[0])
    for file in FILES:
        measured = [(case, measurer.measure(file, case)) for case in file.cases]
        yield from _section(file, measured)
    yield "## Not shown\n"
    for name, why in NOT_SHOWN.items():
        yield f"- `{name}`: {why}."


def _section(file: SqlFile, measured: list[tuple[Case, Measured]]) -> Iterator[str]:
    yield f"## {file.heading} (`{file.name}`)\n"
    yield "| query | | indexes: searches / entries | in sequence | planned, ms | ran, ms |"
    yield "|---|---|---|---|--:|--:|"
    for case, found in measured:
        indexes = ", ".join(_index(one) for one in found.touched if one.is_index)
        tables = ", ".join(
            f"`{one.name}` {one.rows:,}" for one in found.touched if not one.is_index
        )
        yield (
            f"| `{case.query}` | {case.what} | {indexes} | {tables}"
            f" | {found.planning_ms:.2f} | {found.execution_ms:.2f} |"
        )
    if file.not_shown:
        yield "\nNot shown:\n"
        for why in dict.fromkeys(file.not_shown.values()):
            names = ", ".join(f"`{name}`" for name, its in file.not_shown.items() if its == why)
            yield f"- {names}: {why}."
    yield ""
    for case, found in measured:
        if case.to_see:
            yield f"### {case.query}: {case.what}\n\n{case.to_see}\n\n```\n{found.plan}\n```\n"


def _index(one: Touched) -> str:
    return f"`{one.name}` {one.scans:,} / {one.rows:,}"
