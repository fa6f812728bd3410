"""A flame graph of a process at work, as a still picture.

    python -m benchmarks.flame WORK PICTURE.svg

WORK is one of `unary`, `coalesced`, `bulk`; what is shown is everlog's server while it does
that work. The stacks are py-spy's (on PATH; it needs to be root, or to be allowed to trace). Width
is the share of samples of all threads; time in which a thread only waited is left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.processes import Load
from benchmarks.sides.clusters import embedded_cluster
from benchmarks.sides.servers import fresh_everlog

_WIDTH, _ROW, _CHARACTER = 1200, 17, 6.2
_SHARE_MIN = 0.003
_SECONDS = 6
_WORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "unary": ("everlog_unary", {"count": 25_000, "in_flight": 64, "payload_bytes": 48}),
    "coalesced": ("everlog_coalesced", {"count": 120_000, "tasks": 64, "payload_bytes": 48}),
    "bulk": (
        "everlog_bulk",
        {
            "count": 500_000,
            "streams": 4,
            "batch_events": 1_000,
            "in_flight": 4,
            "payload_bytes": 48,
        },
    ),
}
_COLOURS = {
    "everlog_server/append": "#7fb3d5",
    "everlog_server/rpc": "#82c9a5",
    "everlog_server/storage": "#f0b27a",
    "everlog_server/subscriptions": "#c39bd3",
    "grpc": "#d5d8dc",
    "psycopg": "#f7dc6f",
}


@dataclass(slots=True)
class _Frame:
    name: str
    samples: int = 0
    children: dict[str, _Frame] = field(default_factory=dict)


def fold(lines: Iterable[str]) -> _Frame:
    """The tree of collapsed stacks: `outermost;…;innermost samples` on each line."""
    root = _Frame("all")
    for line in lines:
        stack, _, number = line.rpartition(" ")
        samples = int(number)
        frame = root
        frame.samples += samples
        for name in _without_start(stack.split(";")):
            frame = frame.children.setdefault(name, _Frame(name))
            frame.samples += samples
    return root


def _without_start(stack: list[str]) -> list[str]:
    """The frames within the event loop: how it was started is the same for all."""
    for place, name in enumerate(stack):
        if name.startswith(("Runner.run (", "Thread.run (")):
            return [_plain(name) for name in stack[place:]]
    return [_plain(name) for name in stack]


def _plain(name: str) -> str:
    """`function (room/module.py)`: without the line."""
    head, _, _ = name.rpartition(":")
    return f"{head})" if head else name


def draw(root: _Frame, title: str) -> str:
    """The picture."""
    boxes = list(_boxes(root))
    height = (max(depth for *_, depth in boxes) + 3) * _ROW
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        ' font-family="monospace" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="4" y="13" font-size="13">{escape(title)}</text>',
    ]
    for frame, left, width, depth in boxes:
        top = height - (depth + 1) * _ROW
        share = frame.samples / root.samples
        text = escape(frame.name[: int(width / _CHARACTER)]) if width > 3 * _CHARACTER else ""
        parts.append(
            f"<g><title>{escape(frame.name)}: {share:.1%}</title>"
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 1}"'
            f' fill="{_colour(frame.name)}"/>'
            f'<text x="{left + 2:.1f}" y="{top + 12}">{text}</text></g>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _boxes(root: _Frame) -> Iterator[tuple[_Frame, float, float, int]]:
    """Each frame that is wide enough, with its left end, its width, and how deep it lies."""
    waiting = [(root, 0.0, 0)]
    while waiting:
        frame, left, depth = waiting.pop()
        yield frame, left, frame.samples / root.samples * _WIDTH, depth
        for child in sorted(frame.children.values(), key=lambda child: -child.samples):
            if child.samples / root.samples >= _SHARE_MIN:
                waiting.append((child, left, depth + 1))
                left += child.samples / root.samples * _WIDTH


def _colour(name: str) -> str:
    return next((colour for part, colour in _COLOURS.items() if part in name), "#f5b7b1")


def record(work: str) -> list[str]:
    """Collapsed stacks of the server while it does the work."""
    py_spy = shutil.which("py-spy")
    if py_spy is None:
        sys.exit("flame: no py-spy on PATH: pip install py-spy")
    load, told = _WORKS[work]
    with (
        embedded_cluster() as cluster,
        fresh_everlog(cluster) as (service, _),
        tempfile.TemporaryDirectory() as folder,
        Load(load, {"address": service.address, **told}) as running,
    ):
        stacks = Path(folder, "stacks")
        running.go()
        command = f"{py_spy} record --duration {_SECONDS} --rate 200 --format raw"
        subprocess.run(
            [*command.split(), "--pid", str(service.pid), "--output", str(stacks)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.result()
        return stacks.read_text().splitlines()


def main() -> None:
    """Records and draws."""
    if len(sys.argv) != 3 or sys.argv[1] not in _WORKS:
        sys.exit(f"usage: python -m benchmarks.flame {'|'.join(_WORKS)} PICTURE.svg")
    _, work, picture = sys.argv
    tree = fold(record(work))
    title = f"everlog's server, {work}: {tree.samples} samples, 200 a second, of threads at work"
    Path(picture).write_text(draw(tree, title), encoding="utf-8")


if __name__ == "__main__":
    main()
