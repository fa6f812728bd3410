"""From a YAML file to the messages of an import, with everything that is wrong, by line.

The file's words are those of `EventTypeDefinition` and `AggregateTypeDefinition`, but that `schema`
and `example` are values rather than JSON texts, and that a step is `set: {target: …, from: …}`. See
docs/catalogues.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from everlog.v1 import catalog_pb2
from everlog_server.cli.catalogues.yaml_nodes import Node, read_yaml
from everlog_server.pointers import write_pointer

BUNDLES = ("commerce", "mesh", "supervisor")
"""The catalogues that come with everlog."""

OPERATIONS = {
    "set": catalog_pb2.ReducerStep.OPERATION_SET,
    "merge": catalog_pb2.ReducerStep.OPERATION_MERGE,
    "append": catalog_pb2.ReducerStep.OPERATION_APPEND,
    "increment": catalog_pb2.ReducerStep.OPERATION_INCREMENT,
    "remove": catalog_pb2.ReducerStep.OPERATION_REMOVE,
}


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that is wrong with a file."""

    line: int
    name: str
    """Of which event or aggregate type; empty when it is of none."""

    field: str
    """Which of its fields, in the file's words; empty for the whole."""

    message: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.name, self.field, self.message)))

    def follows(self, unread: Finding) -> bool:
        """Whether it only says that what could not be read is missing."""
        there = (self.line, self.name) == (unread.line, unread.name)
        return there and self.field.startswith(unread.field)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a field of the request stands in the file."""

    node: Node
    line: int
    name: str
    field: str


@dataclass(slots=True)
class Catalogue:
    """What a file says."""

    source: str
    """The file's name, as it was given."""

    description: str = ""
    request: catalog_pb2.ImportCatalogRequest = field(
        default_factory=catalog_pb2.ImportCatalogRequest
    )
    findings: list[Finding] = field(default_factory=list)
    """What could not be read as definitions; `request` has the rest."""

    places: dict[str, _Place] = field(default_factory=dict)
    """By the path of a field of `request`, such as `event_types[3].json_schema`."""

    def finding(self, message: str, *, path: str, pointer: Sequence[str | int] = ()) -> Finding:
        """Say what is wrong with a field of `request`: where it stands, in the file's words.

        `pointer` leads on within a value that the file has as it is.
        """
        known = path
        while known not in self.places:  # "" is there
            known = known[: max(known.rfind("."), known.rfind("["), 0)]
        place = self.places[known]
        node, line = place.node, place.line
        for step in pointer:
            match node.value:
                case dict() as members if str(step) in members:
                    line = node.key_lines[str(step)]
                    node = members[str(step)]
                case list() as items if str(step).isdecimal() and int(step) < len(items):
                    node = items[int(step)]
                    line = node.line
                case _:
                    break
        missing = path.removeprefix(known).removeprefix(".")
        where = ".".join(filter(None, (place.field, missing)))
        where += write_pointer(pointer)
        return Finding(line=line, name=place.name, field=where, message=message)


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


class _Object:
    """An object of the file, and what may stand in it: each field is taken at most once."""

    def __init__(
        self, catalogue: Catalogue, node: Node, *, path: str, line: int, name: str
    ) -> None:
        self.catalogue = catalogue
        self.path = path
        self.name = name
        self._node = node
        self._members: dict[str, Node] = {}
        place = _Place(node, line, name, _words(path))
        catalogue.places[path] = place
        if isinstance(node.value, dict):
            self._members = dict(node.value)
        else:
            self.say(f"is {_kind(node)}, expected an object", line=line)

    def say(self, message: str, *, line: int, word: str = "") -> None:
        where = ".".join(filter(None, (_words(self.path), word)))
        self.catalogue.findings.append(Finding(line, self.name, where, message))

    def take(self, word: str, *, path: str = "") -> Node | None:
        """Take a field out, and remember where it stands; `path` is the message's word for it."""
        node = self._members.pop(word, None)
        if node is not None:
            inner = ".".join(filter(None, (self.path, path or word)))
            shown = ".".join(filter(None, (_words(self.path), word)))
            place = _Place(node, self._node.key_lines[word], self.name, shown)
            self.catalogue.places[inner] = place
        return node

    def line(self, word: str) -> int:
        return self._node.key_lines[word]

    def text(self, word: str) -> str:
        node = self.take(word)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            hint = "" if isinstance(node.value, dict | list) else "; put it in quotes"
            self.say(f"is {_kind(node)}, expected a text{hint}", line=self.line(word), word=word)
            return ""
        return node.value

    def flag(self, word: str) -> bool:
        node = self.take(word)
        if node is None or isinstance(node.value, bool):
            return node is not None and node.value is True
        self.say(f"is {_kind(node)}, expected true or false", line=self.line(word), word=word)
        return False

    def json(self, word: str, *, path: str = "") -> str:
        node = self.take(word, path=path)
        return "" if node is None else json_text(node.plain())

    def objects(self, word: str, *, path: str = "") -> Iterator[tuple[Node, str]]:
        """Give the items of a list, and the path of each."""
        node = self.take(word, path=path)
        if node is None:
            return
        if not isinstance(node.value, list):
            self.say(f"is {_kind(node)}, expected a list", line=self.line(word), word=word)
            return
        prefix = ".".join(filter(None, (self.path, path or word)))
        for number, item in enumerate(node.value):
            yield item, f"{prefix}[{number}]"

    def end(self) -> None:
        """Say what nobody has taken."""
        for word in self._members:
            self.say("there is no such field", line=self.line(word), word=word)


def json_text(value: Any) -> str:
    """Write a value as the JSON text that a definition holds: keys keep their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _kind(node: Node) -> str:
    match node.value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case dict():
            return "an object"


def _words(path: str) -> str:
    """Give a path within a definition, in the file's words."""
    return path.partition("].")[2].replace("event_types[", "events[") if "]" in path else path


def _read_file(catalogue: Catalogue, root: Node) -> None:
    file = _Object(catalogue, root, path="", line=root.line, name="")
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
    fields = _Object(catalogue, node, path=path, line=node.line, name=_name_of(node, path))
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
    fields = _Object(catalogue, node, path=path, line=node.line, name=_name_of(node, path))
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


def _reduction(inside: _Object, node: Node, path: str) -> catalog_pb2.Reduction:
    fields = _Object(inside.catalogue, node, path=path, line=node.line, name=inside.name)
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


def _step(inside: _Object, node: Node, path: str) -> catalog_pb2.ReducerStep:
    outer = _Object(inside.catalogue, node, path=path, line=node.line, name=inside.name)
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
    step: catalog_pb2.ReducerStep, outer: _Object, node: Node, *, path: str, line: int
) -> None:
    fields = _Object(outer.catalogue, node, path=path, line=line, name=outer.name)
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
            f"is {_kind(source)}, expected a JSON pointer", line=fields.line("from"), word="from"
        )
    factor = fields.take("factor")
    if factor is not None and (
        isinstance(factor.value, bool) or not isinstance(factor.value, int | float)
    ):
        fields.say(
            f"is {_kind(factor)}, expected a number", line=fields.line("factor"), word="factor"
        )
    elif factor is not None:
        try:
            step.factor = float(factor.value)  # type: ignore[arg-type] # not narrowed by the above
        except OverflowError:
            fields.say("is beyond the numbers", line=fields.line("factor"), word="factor")
    fields.end()
