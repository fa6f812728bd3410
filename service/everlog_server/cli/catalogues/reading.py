"""From a YAML file to the messages of an import, with everything that is wrong, by line.

The file's words are those of `EventTypeDefinition` and `AggregateTypeDefinition`, but that `schema`
and `example` are values rather than JSON texts, and that a step is `set: {target: …, from: …}`. See
docs/catalogues.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.yaml_nodes import Node, read_yaml
from everlog_server.cli.catalogues.yaml_objects import Object, Reading, json_text, kind_of

BUNDLES = ("commerce", "mesh", "supervisor")
"""The catalogues that come with everlog."""

OPERATIONS = {
    "set": catalog_pb2.ReducerStep.OPERATION_SET,
    "merge": catalog_pb2.ReducerStep.OPERATION_MERGE,
    "append": catalog_pb2.ReducerStep.OPERATION_APPEND,
    "increment": catalog_pb2.ReducerStep.OPERATION_INCREMENT,
    "remove": catalog_pb2.ReducerStep.OPERATION_REMOVE,
}


@dataclass(slots=True)
class Catalogue(Reading):
    """What a file says."""

    description: str = ""
    request: catalog_pb2.ImportCatalogRequest = field(
        default_factory=catalog_pb2.ImportCatalogRequest
    )
    """What could be read of it as definitions."""

    def words(self, path: str) -> str:
        """Give the path of a field within its definition, in the file's words."""
        if "]" not in path:
            return path
        return path.partition("].")[2].replace("event_types[", "events[")


def read_source(source: str) -> Catalogue:
    """Read a catalogue that comes with everlog, by its name; or a file (`-`: stdin).

    Raises YamlError when it is no YAML, and OSError.
    """
    if source in BUNDLES:
        bundle = files("everlog_server") / "catalog" / "bundles" / f"{source}.yaml"
        return read(bundle.read_bytes(), source=source)
    content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    return read(content, source=source)


def read(content: bytes, *, source: str) -> Catalogue:
    """Read a file's content. Raises YamlError when it is no YAML."""
    catalogue = Catalogue(source)
    _read_file(catalogue, read_yaml(content))
    return catalogue


def _read_file(catalogue: Catalogue, root: Node) -> None:
    file = Object(catalogue, root, path="", line=root.line, name="")
    catalogue.description = file.text("description")
    for node, path in file.objects("event_types"):
        catalogue.request.event_types.append(_event_type(catalogue, node, path))
    for node, path in file.objects("aggregate_types"):
        catalogue.request.aggregate_types.append(_aggregate_type(catalogue, node, path))
    file.end()


def _name_of(node: Node, path: str) -> str:
    name = node.value.get("name") if isinstance(node.value, dict) else None
    return name.value if name is not None and isinstance(name.value, str) else path


def _event_type(catalogue: Catalogue, node: Node, path: str) -> catalog_pb2.EventTypeDefinition:
    fields = Object(catalogue, node, path=path, line=node.line, name=_name_of(node, path))
    definition = catalog_pb2.EventTypeDefinition(
        name=fields.text("name"),
        category=fields.text("category"),
        description=fields.text("description"),
        json_schema=fields.json("schema", path="json_schema"),
        example=fields.json("example"),
        documentable=fields.flag("documentable"),
        aggregate_type=fields.text("aggregate_type"),
        starts_aggregate=fields.flag("starts_aggregate"),
        aggregate_id_pattern=fields.text("aggregate_id_pattern"),
    )
    fields.end()
    return definition


def _aggregate_type(
    catalogue: Catalogue, node: Node, path: str
) -> catalog_pb2.AggregateTypeDefinition:
    fields = Object(catalogue, node, path=path, line=node.line, name=_name_of(node, path))
    definition = catalog_pb2.AggregateTypeDefinition(
        name=fields.text("name"),
        description=fields.text("description"),
        initial_state=fields.json("initial_state"),
        reductions=[
            _reduction(fields, item, place) for item, place in fields.objects("reductions")
        ],
        ignore_others=fields.flag("ignore_others"),
    )
    fields.end()
    return definition


def _reduction(inside: Object, node: Node, path: str) -> catalog_pb2.Reduction:
    fields = Object(inside.reading, node, path=path, line=node.line, name=inside.name)
    reduction = catalog_pb2.Reduction()
    events = fields.take("events", path="event_types")
    match events.value if events is not None else None:
        case str() as one:
            reduction.event_types.append(one)
        case list() as several if all(isinstance(item.value, str) for item in several):
            reduction.event_types.extend(str(item.value) for item in several)
        case None if events is None:
            pass
        case _:
            fields.say(
                "expected an event type or a list of them",
                line=fields.line("events"),
                word="events",
            )
    reduction.steps.extend(_step(fields, item, place) for item, place in fields.objects("steps"))
    fields.end()
    return reduction


def _step(inside: Object, node: Node, path: str) -> catalog_pb2.ReducerStep:
    outer = Object(inside.reading, node, path=path, line=node.line, name=inside.name)
    step = catalog_pb2.ReducerStep()
    for word, operation in OPERATIONS.items():
        if (operands := outer.take(word, path="operation")) is None:
            continue
        if step.operation:
            outer.say("a step is one operation", line=outer.line(word), word=word)
        step.operation = operation
        _operands(step, outer, operands, path=path, line=outer.line(word))
    if not step.operation and isinstance(node.value, dict):
        outer.say(f"expected one of {', '.join(OPERATIONS)}", line=node.line)
    outer.end()
    return step


def _operands(
    step: catalog_pb2.ReducerStep, outer: Object, node: Node, *, path: str, line: int
) -> None:
    fields = Object(outer.reading, node, path=path, line=line, name=outer.name)
    step.target = fields.text("target")
    source, constant = fields.take("from"), fields.take("constant")
    if source is not None and constant is not None:
        fields.say("`from` and `constant` exclude each other", line=fields.line("constant"))
    elif constant is not None:
        step.constant = json_text(constant.plain())
    elif source is not None and isinstance(source.value, str):
        setattr(step, "from", source.value)  # a word of Python's
    elif source is not None:
        fields.say(
            f"is {kind_of(source)}, expected a JSON pointer", line=fields.line("from"), word="from"
        )
    factor = fields.take("factor")
    if factor is not None and (
        isinstance(factor.value, bool) or not isinstance(factor.value, int | float)
    ):
        fields.say(
            f"is {kind_of(factor)}, expected a number", line=fields.line("factor"), word="factor"
        )
    elif factor is not None:
        try:
            step.factor = float(factor.value)  # type: ignore[arg-type] # not narrowed by the above
        except OverflowError:
            fields.say("is beyond the numbers", line=fields.line("factor"), word="factor")
    fields.end()
