"""What people write on the command line, understood: aggregates, times, JSON, expectations."""

from __future__ import annotations

import json
import re
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import click

import everlog
from everlog import AggregateKey

_AGO = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_DURATION_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_EXISTENCE = {"new": everlog.MUST_NOT_EXIST, "exists": everlog.MUST_EXIST}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class _Aggregate(click.ParamType[AggregateKey]):
    name = "TYPE/ID"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> AggregateKey:
        try:
            return AggregateKey.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Time(click.ParamType[datetime]):
    name = "TIME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        if value == "now":
            return datetime.now(UTC)
        if ago := _AGO.fullmatch(value):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time: expected 2026-03-01, 2026-03-01T12:30:00Z, now, or how long"
                " ago, such as 90s, 15m, 2h or 7d",
                param,
                ctx,
            )
        return time if time.tzinfo else time.astimezone()


class _Duration(click.ParamType[float]):
    name = "DURATION"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, float):
            return value
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            self.fail(
                f"{value!r} is no duration: expected 250ms, 30s, 5m, 2h or 7d, or 0s", param, ctx
            )
        return float(match[1]) * _DURATION_SECONDS[match[2]]


class _Pair(click.ParamType[tuple[str, str]]):
    name = "KEY=VALUE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is no pair: expected KEY=VALUE", param, ctx)
        return key, text


class _Json(click.ParamType[str]):
    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = _content(value, self, param, ctx)
        try:
            json.loads(text)
        except ValueError as error:
            self.fail(f"not JSON: {error}", param, ctx)
        return text


def _content(
    value: str,
    kind: click.ParamType[str],
    param: click.Parameter | None,
    ctx: click.Context | None,
) -> str:
    if value == "-":
        return sys.stdin.read()
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            kind.fail(str(error), param, ctx)
    return value


class Expectation(NamedTuple):
    """What is expected of an aggregate; None: the one that the event is about."""

    aggregate: AggregateKey | None
    expected: everlog.Expected


class _Expectation(click.ParamType[Expectation]):
    name = "[TYPE/ID=]N|new|exists"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Expectation:
        name, equals, what = value.rpartition("=")
        aggregate = AGGREGATE.convert(name, param, ctx) if equals else None
        if what in _EXISTENCE:
            return Expectation(aggregate, _EXISTENCE[what])
        if not what.isdecimal():
            self.fail(f"{what!r}: expected a sequence, `new` or `exists`", param, ctx)
        return Expectation(aggregate, int(what))


class _EventId(click.ParamType[str]):
    name = "EVENT_ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return str(uuid.UUID(value))
        except ValueError:
            self.fail(f"{value!r} is no event id: expected a UUID", param, ctx)


class _Text(click.ParamType[str]):
    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return _content(value, self, param, ctx)


AGGREGATE = _Aggregate()
EVENT_ID = _EventId()
TEXT = _Text()
DURATION = _Duration()
TIME = _Time()
TIME_HELP = "TIME: 2026-03-01, 2026-03-01T12:30Z, now, or how long ago, such as 15m, 2h or 7d."
"""For the first option of a command that takes a time."""
PAIR = _Pair()
JSON = _Json()
EXPECTATION = _Expectation()

LIMIT_OPTION = click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="So many at most; 0: all.",
)
