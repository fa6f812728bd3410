"""A bar for each comparison: its ratio as a share of the target, with the target as a line.

Targets differ, so bars are drawn relative to them: whatever reaches the line is met. Where less is
better (latencies), the share is turned round. Plain SVG: readable on light and dark pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Comparison

_WIDTH = 860
_LEFT = 380
_RIGHT = 130
_ROW = 22
_TOP = 44
_SHARE_MAX = 2.0
_MET, _MISSED, _INK = "#2a9d5c", "#d1495b", "#777"


def share_of_target(comparison: Comparison) -> float:
    """1 at the target, more when it is better than that."""
    if not comparison.target:  # only reported: nothing can miss it
        return _SHARE_MAX
    if comparison.wanted == "at least":
        return comparison.ratio / comparison.target
    return comparison.target / comparison.ratio


def chart(comparisons: Sequence[Comparison], title: str) -> str:
    """The whole picture."""
    plot = _WIDTH - _LEFT - _RIGHT
    line = _LEFT + plot / _SHARE_MAX
    height = _TOP + _ROW * len(comparisons) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' font-family="sans-serif" font-size="12" fill="{_INK}">',
        f'<text x="8" y="18" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<text x="{line:.0f}" y="36" text-anchor="middle">target</text>',
    ]
    for place, comparison in enumerate(comparisons):
        parts += _bar(comparison, top=_TOP + _ROW * place, plot=plot)
    parts.append(
        f'<line x1="{line:.0f}" x2="{line:.0f}" y1="{_TOP - 4}" y2="{height - 12}"'
        f' stroke="{_INK}" stroke-width="1.5" stroke-dasharray="4 3"/>'
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(comparison: Comparison, *, top: int, plot: int) -> list[str]:
    share = min(share_of_target(comparison), _SHARE_MAX)
    width = plot * share / _SHARE_MAX
    sign = "≥" if comparison.wanted == "at least" else "≤"
    name = f"{comparison.work} {comparison.label} : {comparison.theirs.name}"
    figure = f"{comparison.ratio:.2f} ({sign} {comparison.target:g})"
    color = _MET if comparison.is_met else _MISSED
    baseline = top + 14
    return [
        f'<text x="{_LEFT - 8}" y="{baseline}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{_LEFT}" y="{top + 2}" width="{width:.1f}" height="{_ROW - 6}"'
        f' fill="{color}" rx="2"/>',
        f'<text x="{_LEFT + width + 6:.1f}" y="{baseline}">{escape(figure)}</text>',
    ]
