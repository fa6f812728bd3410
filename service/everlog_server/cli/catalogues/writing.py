"""From definitions to a YAML file that is read back as the same definitions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.reading import OPERATIONS
from everlog_server.cli.catalogues.yaml_nodes import means_no_text

_WORDS = {operation: word for word, operation in OPERATIONS.items()}
_TEXT = "tag:yaml.org,2002:str"
_BREAKS = frozenset("\x85\u2028\u2029")


class _Dumper(yaml.SafeDumper):
    """Writes what YAML 1.1 and 1.2 understand alike, without aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # items of a list stand further right than its key


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if not _BREAKS.isdisjoint(text):  # YAML 1.1 ends lines with them, and reads them as blanks
        return dumper.represent_scalar(_TEXT, text, style='"')
    if means_no_text(text):  # plain for YAML 1.1, such as 1e3: not for whoever reads 1.2
        return dumper.represent_scalar(_TEXT, text, style="'")
    block = "\n" in text and text.strip() == text
    return dumper.represent_scalar(_TEXT, text, style="|" if block else None)


_Dumper.add_representer(str, _represent_text)


def write(
    event_types: Iterable[catalog_pb2.EventTypeDefinition],
    aggregate_types: Iterable[catalog_pb2.AggregateTypeDefinition],
) -> str:
    """Write a catalogue as YAML. Without any type it is an empty object, which is no catalogue."""
    return to_yaml(catalogue_fields(event_types, aggregate_types))


def to_yaml(value: Any) -> str:
    """Write a JSON value as YAML."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


def catalogue_fields(
    event_types: Iterable[catalog_pb2.EventTypeDefinition],
    aggregate_types: Iterable[catalog_pb2.AggregateTypeDefinition],
) -> dict[str, Any]:
    """Give a catalogue as its file has it."""
    file: dict[str, Any] = {}
    if written := [event_type_fields(definition) for definition in event_types]:
        file["event_types"] = written
    if written := [aggregate_type_fields(definition) for definition in aggregate_types]:
        file["aggregate_types"] = written
    return file


def event_type_fields(definition: catalog_pb2.EventTypeDefinition) -> dict[str, Any]:
    """Give an event type as a file has it."""
    written = _given(definition, "name", "category", "description", "aggregate_type")
    written |= _given(definition, "aggregate_id_pattern", "starts_aggregate", "documentable")
    if definition.json_schema:
        written["schema"] = json.loads(definition.json_schema)
    if definition.example:
        written["example"] = json.loads(definition.example)
    return written


def aggregate_type_fields(definition: catalog_pb2.AggregateTypeDefinition) -> dict[str, Any]:
    """Give an aggregate type as a file has it."""
    written = _given(definition, "name", "description", "ignore_others")
    if definition.initial_state:
        written["initial_state"] = json.loads(definition.initial_state)
    if definition.reductions:
        written["reductions"] = [
            {
                "events": list(reduction.event_types),
                "steps": [_step(step) for step in reduction.steps],
            }
            for reduction in definition.reductions
        ]
    return written


def _step(step: catalog_pb2.ReducerStep) -> dict[str, Any]:
    operands = _given(step, "target")
    match step.WhichOneof("value"):
        case "from":
            operands["from"] = getattr(step, "from")
        case "constant":
            operands["constant"] = json.loads(step.constant)
    if step.factor:
        operands["factor"] = step.factor
    return {_WORDS[step.operation]: operands}


def _given(message: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(message, name))}
