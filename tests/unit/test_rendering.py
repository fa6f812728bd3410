"""Tables of the command line: in a wide terminal, in a narrow one, in a pipe."""

from __future__ import annotations

import io
import re
import sys

import pytest

from everlog_server.cli.rendering import Output

COLUMNS = {
    "type": {"max_width": 12},
    "event id": {},
    "state": {},
    "last error": {"ratio": 1, "min_width": 10},
}
EVENT_ID = "01a20014-de3e-7f57-ae37-08fb3bda7851"
ROWS = [("order.placed_by_telephone", EVENT_ID, "retrying", ""), ("a", EVENT_ID, "parked", "no")]


class Stream(io.TextIOWrapper):
    """Standard output that is a terminal, or is not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(monkeypatch: pytest.MonkeyPatch, *, width: int, terminal: bool = True) -> list[str]:
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    output = Output(as_json=False)
    output.rows(COLUMNS, ROWS)
    output.flush()
    stream.flush()
    written = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return re.sub(r"\x1b\[[0-9;]*m", "", written).splitlines()


def test_a_table_cuts_types_and_errors_but_no_ids_and_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heading, first, second = shown(monkeypatch, width=12 + 36 + 8 + 10 + 6)
    assert heading.split() == ["type", "event", "id", "state", "last", "error"]
    assert first.split() == ["order.place…", EVENT_ID, "retrying"]
    assert second.split() == ["a", EVENT_ID, "parked", "no"]


def test_where_a_table_would_cut_them_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = shown(monkeypatch, width=12 + 36 + 8 + 10 + 5)
    assert first == f"order.placed_by_telephone  {EVENT_ID}  retrying"
    assert second == f"a  {EVENT_ID}  parked  no"


def test_in_a_pipe_cells_are_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = shown(monkeypatch, width=20, terminal=False)
    assert first == f"order.placed_by_telephone  {EVENT_ID}  retrying  -"
    assert second == f"a                          {EVENT_ID}  parked    no"
