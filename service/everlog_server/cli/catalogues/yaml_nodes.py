"""YAML that means JSON: a tree that knows its lines.

The file is from anybody. So nothing is built but texts, numbers, booleans, null, lists and objects:
tags are refused. Nesting, and the number of nodes after aliases are expanded, are bounded, which
also bounds the time: deep flow nesting costs libyaml quadratic time. A key that comes twice is
refused rather than lost.

Plain words mean what YAML 1.2 says (its core schema): `on` and `yes` are texts, and so is a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

BYTES_MAX = 4 * 1024 * 1024
NESTING_MAX = 100
NODES_MAX = 200_000

Scalar: TypeAlias = str | int | float | bool | None

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS_MAX = 400
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line of YAML 1.1, as libyaml counts them."""

# libyaml's where PyYAML was built with it; the one in Python is the same, only slower.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(ValueError):
    """The text is no YAML that could mean JSON; `line` counts from 1."""

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(slots=True)
class Node:
    """A value, and the line (from 1) on which it begins. Aliases give the same node again."""

    line: int
    value: Scalar | list[Node] | dict[str, Node]
    key_lines: dict[str, int] = field(default_factory=dict)
    """Of an object: the line of each key."""

    nodes: int = 1
    """How many nodes it has, itself among them."""

    is_block: bool = False
    """Of a text: whether it is written as a block (`|`), whose first line is the next one."""

    def plain(self) -> Any:
        """Give it as JSON has it."""
        match self.value:
            case list() as items:
                return [item.plain() for item in items]
            case dict() as members:
                return {key: member.plain() for key, member in members.items()}
            case scalar:
                return scalar


@dataclass(slots=True)
class _Open:
    """A list or an object whose end has not come yet."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_line: int = 0

    @property
    def expects_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key is None

    def take_key(self, key: str, line: int) -> None:
        # A key is a text whatever it looks like: JSON has no others.
        if (first := self.node.key_lines.get(key)) is not None:
            raise YamlError(f"the key {key!r} comes twice: first on line {first}", line=line)
        if key == "<<":
            raise YamlError("merge keys (<<) are not understood", line=line)
        self.key, self.key_line = key, line


def read_yaml(content: bytes) -> Node:
    """Read the one document of a file. Raises YamlError."""
    if len(content) > BYTES_MAX:
        raise YamlError(f"{len(content):,} bytes, at most {BYTES_MAX:,} are read", line=1)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError(f"not UTF-8: {error.reason}", line=line) from None
    root: Node | None = None
    try:
        for document in _Builder().documents(text):
            if root is not None:
                raise YamlError("a second document begins: expected one", line=document.line)
            root = document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = ", ".join(filter(None, (error.context, error.problem)))
        # libyaml puts the end of a text on the line after its last one.
        line = min(mark.line + 1, len(_BREAK.findall(text)) + 1) if mark else 1
        raise YamlError(f"not YAML: {why}", line=line) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"not YAML: {error.reason}", line=line) from None
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {error}", line=1) from None
    if root is None:
        raise YamlError("the file is empty", line=1)
    return root


class _Builder:
    """From events to nodes: without recursion, and stopping at the first bound that is met."""

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def documents(self, text: str) -> Iterator[Node]:
        for event in yaml.parse(text, Loader=_LOADER):
            node = self._take(event)
            if node is not None and not self._open:
                yield node
                self._anchors.clear()

    def _take(self, event: yaml.Event) -> Node | None:
        """Give the node that ends with this event, if one does."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.ScalarEvent():
                _untagged(event.tag, line)
                return self._scalar(event, line)
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                _untagged(event.tag, line)
                self._begin(event, line)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                ended = self._open.pop()
                return self._placed(ended.node, anchor=ended.anchor)
            case yaml.AliasEvent():
                return self._alias(event.anchor, line)
        return None

    def _begin(self, event: yaml.SequenceStartEvent | yaml.MappingStartEvent, line: int) -> None:
        if len(self._open) >= NESTING_MAX:
            raise YamlError(f"nested deeper than {NESTING_MAX}", line=line)
        inside = self._open[-1] if self._open else None
        if inside is not None and inside.expects_key:
            raise YamlError("a key is a list or an object, expected a text", line=line)
        value: list[Node] | dict[str, Node] = (
            [] if isinstance(event, yaml.SequenceStartEvent) else {}
        )
        self._open.append(_Open(Node(line, value), event.anchor))

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> Node | None:
        inside = self._open[-1] if self._open else None
        if inside is not None and inside.expects_key:
            inside.take_key(event.value, line)
            return None
        value = _scalar_value(event.value, line) if event.implicit[0] else event.value
        node = Node(line, value, is_block=event.style == "|")
        return self._placed(node, anchor=event.anchor)

    def _alias(self, anchor: str | None, line: int) -> Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            raise YamlError(f"the alias *{anchor} has no anchor before it", line=line)
        if self._open[-1].expects_key:
            raise YamlError("a key is an alias, expected a text", line=line)
        return self._placed(node, anchor=None)

    def _placed(self, node: Node, *, anchor: str | None) -> Node:
        """Put a whole node where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            inside = self._open[-1]
            inside.node.nodes += node.nodes
            # Also what is open still will be counted: the innermost is enough to stop in time.
            if inside.node.nodes > NODES_MAX:
                raise YamlError(f"more than {NODES_MAX:,} values", line=node.line)
            match inside.node.value:
                case list() as items:
                    items.append(node)
                case dict() as members if inside.key is not None:
                    members[inside.key] = node
                    inside.node.key_lines[inside.key] = inside.key_line
                    inside.key = None
        return node


def _untagged(tag: str | None, line: int) -> None:
    if tag is not None:
        raise YamlError(f"the tag {tag} is not understood: only plain JSON values are", line=line)


def _scalar_value(text: str, line: int) -> Scalar:
    """Give what a plain scalar means by YAML 1.2's core schema."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    if _NO_NUMBER.fullmatch(text):
        raise YamlError(f"{text} is no number of JSON; a text stands in quotes", line=line)
    if _INTEGER.fullmatch(text) and len(text) <= _DIGITS_MAX:
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        if len(text) > _DIGITS_MAX:
            raise YamlError("a number of too many digits", line=line)
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise YamlError(f"{text[:40]} is beyond the numbers that are understood", line=line)
        return number
    return text


def means_no_text(text: str) -> bool:
    """Whether a text, written plainly, would be read as something else."""
    patterns = (_NULL, _TRUE, _FALSE, _INTEGER, _OCTAL, _HEXADECIMAL, _FLOAT, _NO_NUMBER)
    return any(pattern.fullmatch(text) for pattern in patterns)
