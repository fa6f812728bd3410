"""Events as people like to read them: coloured and cut to fit in a terminal, plain in a pipe.

Whatever an event says, it is shown and never obeyed: control characters are made visible.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

import everlog
from everlog_server.cli.event_json import event_line, receipt_line, time_text

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_VISIBLE |= {ord("\n"): " ", ord("\r"): " ", ord("\t"): " "}


_TABLE_WIDTH_MIN = 110
_COLUMNS: dict[str, Any] = {
    "position": {"justify": "right"},
    "recorded": {},
    "type": {"max_width": 32},
    "aggregate": {"max_width": 36},
    "actor": {"max_width": 20},
    "data": {"ratio": 1, "min_width": 16},
}


def visible(text: str) -> str:
    """Make control characters visible: a terminal would act upon them."""
    return text.translate(_VISIBLE)


class Output:
    """Where a command's results go: stdout, as JSON lines, plain lines, or for a terminal."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.terminal = sys.stdout.isatty() and not as_json
        self._console = Console(highlight=False)
        self._lines = sys.stdout.buffer

    @property
    def tabular(self) -> bool:
        """Whether there is room for a table."""
        return self.terminal and self._console.width >= _TABLE_WIDTH_MIN

    def event(self, event: everlog.RecordedEvent) -> None:
        """Write one line."""
        if self.as_json:
            self._lines.write(event_line(event))
        elif self.terminal:
            self._console.print(
                Text("  ").join([*_cells(event), *_outcome_cell(event)]),
                no_wrap=True,
                overflow="ellipsis",
                crop=True,
            )
        else:
            self.line("  ".join(cell.plain for cell in _cells(event)))

    def line(self, text: str) -> None:
        """Write one plain line."""
        self._lines.write(text.encode(errors="backslashreplace") + b"\n")

    def document(self, content: Mapping[str, Any]) -> None:
        """Write one line of JSON."""
        self._lines.write(orjson.dumps(content) + b"\n")

    def flush(self) -> None:
        """Hand on what is written."""
        self._lines.flush()

    def table(self, events: Sequence[everlog.RecordedEvent]) -> None:
        """Write events as a table; for a terminal. The data has what width the others leave."""
        table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
        columns = _COLUMNS
        if any(event.outcome is not None for event in events):
            columns = columns | {"outcome": {"ratio": 1, "min_width": 12}}
        for header, column in columns.items():
            table.add_column(header, no_wrap=True, overflow="ellipsis", **column)
        for event in events:
            table.add_row(*_cells(event), *_outcome_cell(event))
        self._console.print(table)

    def rows(
        self,
        columns: dict[str, dict[str, Any]],
        rows: Iterable[Sequence[str]],
        *,
        aligned: bool = True,
    ) -> None:
        """Write a table with these columns in a terminal, a line each without headings in a pipe.

        In a terminal too narrow for that, it is lines with two spaces between cells. In a pipe,
        cells are `aligned`, and a dash if they are empty, but for the last, which is as long as it
        is; or they are as they are, with two spaces between them.
        """
        shown = [[visible(cell) for cell in row] for row in rows]
        if not shown:
            return
        if self.terminal and self._has_room(columns, shown):
            wide = any("ratio" in column for column in columns.values())
            table = Table(box=None, pad_edge=False, header_style="bold", expand=wide)
            for header, column in columns.items():
                table.add_column(header, no_wrap=True, overflow="ellipsis", **column)
            for row in shown:
                table.add_row(*map(Text, row))
            self._console.print(table)
            return
        if self.terminal or not aligned:
            for row in shown:
                self.line("  ".join(row).rstrip())
            return
        widths = [max(map(len, cells)) for cells in zip(*shown, strict=True)][:-1]
        for row in shown:
            padded = [
                (cell or "-").ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)
            ]
            self.line("  ".join(padded).rstrip())

    def _has_room(self, columns: dict[str, dict[str, Any]], rows: Sequence[Sequence[str]]) -> bool:
        """Whether a table cuts only what has a ratio or a greatest width: no id, no state."""
        needed = 2 * (len(columns) - 1)
        for (header, column), cells in zip(columns.items(), zip(*rows, strict=True), strict=True):
            if "ratio" in column:
                needed += column["min_width"]
            else:
                widest = max(len(text) for text in (header, *cells))
                needed += min(widest, column.get("max_width", widest))
        return needed <= self._console.width

    def json(self, value: Any) -> None:
        """Write a JSON value, indented; for a terminal."""
        self._console.print(Text(_indented(value)), soft_wrap=True)

    def details(self, event: everlog.RecordedEvent) -> None:
        """Write everything about one event."""
        if self.as_json:
            self.event(event)
            return
        fields = [(name, value) for name, value in _fields(event) if value]
        width = max(len(name) for name, _ in fields)
        for name, value in fields:
            indented = value.replace("\n", "\n" + " " * (width + 2))
            self._console.print(
                Text(name.ljust(width), style="bold"), Text(indented), sep="  ", soft_wrap=True
            )

    def receipt(self, event: everlog.Event, receipt: everlog.Receipt) -> None:
        """Write what became of a new event."""
        if self.as_json:
            self._lines.write(receipt_line(receipt))
            return
        aggregate_type, aggregate_id = event.written_aggregate
        stored = "already there" if receipt.deduplicated else "stored"
        self._console.print(
            Text(stored, style="yellow" if receipt.deduplicated else "green"),
            Text(visible(event.event_type), style="cyan"),
            f"{visible(aggregate_type)}/{visible(aggregate_id)}#{receipt.sequence}",
            f"at position {receipt.position}",
            Text(receipt.event_id, style="dim"),
            soft_wrap=True,
        )

    def render(self, shown: RenderableType) -> None:
        """Write something of rich's; for a terminal."""
        self._console.print(shown)

    def facts(self, facts: dict[str, str]) -> None:
        """Write names and values, one pair a line."""
        width = max(map(len, facts))
        for name, value in facts.items():
            self._console.print(
                Text(name.ljust(width), style="bold"),
                Text(visible(value)),
                sep="  ",
                soft_wrap=True,
            )


def events_text(count: int) -> str:
    """So many events, in words."""
    return f"{count:,} event" if count == 1 else f"{count:,} events"


def shown_time(time: datetime) -> str:
    """Write a time in UTC, to the millisecond."""
    return time_text(time)[:23].replace("T", " ") + "Z"


def _cells(event: everlog.RecordedEvent) -> list[Text]:
    return [
        Text(str(event.position).rjust(6), style="bold"),
        Text(shown_time(event.record_time), style="dim"),
        Text(visible(event.event_type), style="cyan"),
        Text(f"{visible(str(event.aggregate))}#{event.sequence}"),
        Text(visible(event.actor) or "-", style="magenta"),
        Text(visible(_payload(event)), style="green"),
    ]


def _outcome_cell(event: everlog.RecordedEvent) -> list[Text]:
    if event.outcome is None:
        return []
    return [Text(f"→ {visible(event.outcome.outcome)}", style="yellow")]


def _payload(event: everlog.RecordedEvent) -> str:
    if event.json is not None:
        return event.json
    if event.binary is not None:
        return f"<{len(event.binary)} bytes of {event.content_type or 'unknown type'}>"
    return ""


def _fields(event: everlog.RecordedEvent) -> list[tuple[str, str]]:
    texts = [
        ("event_id", event.event_id),
        ("position", str(event.position)),
        ("event_type", event.event_type),
        ("aggregate", f"{event.aggregate}#{event.sequence}"),
        ("recorded", time_text(event.record_time)),
        ("occurred", time_text(event.occurred_time)),
        ("source", event.source),
        ("actor", event.actor),
        ("user_id", event.user_id),
        ("idempotency_key", event.idempotency_key),
        ("correlation_id", event.correlation_id),
        ("causation_id", event.causation_id),
        ("documentable", "yes" if event.documentable else "no"),
    ]
    return [
        *((name, visible(text)) for name, text in texts),
        ("metadata", _pretty(dict(event.metadata))),
        ("intent", _pretty(_message_fields(event.intent))),
        ("context", _pretty(_message_fields(event.context))),
        ("outcome", _outcome_text(event.outcome)),
        ("data", _pretty(event.data) if event.json is not None else visible(_payload(event))),
    ]


def _outcome_text(outcome: everlog.EventOutcome | None) -> str:
    if outcome is None:
        return ""
    lines = [visible(outcome.outcome)]
    if outcome.impact_metric:
        lines.append(f"measured: {visible(outcome.impact_metric)}")
    by = f" by {visible(outcome.actor)}" if outcome.actor else ""
    which = "" if outcome.number == 1 else f", outcome {outcome.number}"
    return "\n".join([*lines, f"recorded {shown_time(outcome.record_time)}{by}{which}"])


def _message_fields(message: Any) -> dict[str, Any]:
    if message is None:
        return {}
    return {
        field.name: list(value) if field.is_repeated else value
        for field, value in message.ListFields()
    }


def _pretty(value: Any) -> str:
    return "" if value == {} else _indented(value)


def _indented(value: Any) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "\n".join(visible(line) for line in text.splitlines())
