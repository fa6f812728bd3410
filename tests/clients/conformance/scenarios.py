"""The table of scenarios: read from TOML, with its shorthands written out.

A file is a group: `[define]` names tables that `{ "$use" = "name", … }` copies, with the fields
beside it on top; `{ "$repeat" = 3, "$of" = … }` in a list stands for three items, in whose texts
`{n}` is 1, 2 and 3; `{ "$times" = 1000, "$of" = "x" }` is a long text.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[1] / "scenarios"

COMMANDS = frozenset(
    {
        *("connect", "close", "emit", "emit_many", "emit_stream", "emit_concurrently"),
        *("get", "head", "query", "replay"),
        *("subscribe_open", "subscribe_next", "subscribe_close"),
        *("consume_open", "consume_next", "consume_release", "consume_refusals", "consume_stop"),
        *("deliveries_open", "deliveries_next", "deliveries_answer", "deliveries_close"),
    }
)
HARNESS_ACTIONS = frozenset(
    {"server", "flood", "tenant", "consumer", "consumer_has", "consumer_deleted"}
)


@dataclass(frozen=True, slots=True)
class Step:
    """One action, and what is expected of it."""

    action: str
    arguments: Any
    ok: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    save: dict[str, str] = field(default_factory=dict)
    """Variables from paths into the answer, such as `receipts.0.event_id`."""

    meanwhile: dict[str, Any] = field(default_factory=dict)
    """What the harness does while the runner has the command."""

    equal: bool = True
    """Whether all languages must answer the same, beyond what is expected."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps on a log of their own."""

    group: str
    name: str
    steps: tuple[Step, ...]
    says: str = ""
    """What is promised, in the contract's words."""

    head: int = 0
    """The log's head at the start: a log may pretend to be very long already."""

    connected: bool = True
    """Whether the harness connects the runner before the first step."""

    @property
    def id(self) -> str:
        """Names it in the run's output."""
        return f"{self.group}-{self.name}"


@cache
def load_scenarios() -> tuple[Scenario, ...]:
    """Every scenario, by file and in its order."""
    return tuple(
        scenario for path in sorted(_FOLDER.glob("*.toml")) for scenario in _load_file(path)
    )


def _load_file(path: Path) -> list[Scenario]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    definitions = document.pop("define", {})
    scenarios = []
    for table in document.pop("scenario"):
        steps = tuple(_step(_expand(step, definitions)) for step in table.pop("step"))
        scenarios.append(
            Scenario(
                # The files are numbered, for the order of the matrix.
                group=path.stem.partition("_")[2],
                steps=steps,
                head=int(table.pop("head", "0")),
                **table,
            )
        )
    assert not document, f"{path.name} has more than scenarios: {list(document)}"
    return scenarios


def _step(table: dict[str, Any]) -> Step:
    actions = table.keys() & (COMMANDS | HARNESS_ACTIONS)
    assert len(actions) == 1, f"a step has one action: {table}"
    action = actions.pop()
    return Step(action=action, arguments=table.pop(action), **table)


def _expand(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [item for given in value for item in _items(given, definitions)]
    if not isinstance(value, dict):
        return value
    if "$times" in value:
        return value["$of"] * value["$times"]
    fields = {name: _expand(given, definitions) for name, given in value.items() if name != "$use"}
    if "$use" in value:
        return {**_expand(definitions[value["$use"]], definitions), **fields}
    return fields


def _items(given: Any, definitions: dict[str, Any]) -> list[Any]:
    if isinstance(given, dict) and "$repeat" in given:
        item = _expand(given["$of"], definitions)
        first = given.get("$from", 1)
        step = given.get("$step", 1)
        return [_numbered(item, first + step * turn) for turn in range(given["$repeat"])]
    return [_expand(given, definitions)]


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return value.replace("{n}", str(number))
    if isinstance(value, list):
        return [_numbered(item, number) for item in value]
    if isinstance(value, dict):
        return {name: _numbered(item, number) for name, item in value.items()}
    return value
