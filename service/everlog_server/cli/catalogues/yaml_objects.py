"""Objects of a YAML file, taken apart field by field: what is wrong with them, and on which line.

What stands in a file becomes a message of the contract. Where each field of it stands is remembered
by the field's path in the message (`event_types[3].json_schema`), since the server names those.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from everlog_server.cli.catalogues.yaml_nodes import Node
from everlog_server.pointers import write_pointer

_Choice = TypeVar("_Choice")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that is wrong with a file."""

    line: int
    name: str
    """Of which event or aggregate type; empty when it is of none."""

    field: str
    """Which of its fields, in the file's words; empty for the whole."""

    message: str
    file: str = ""
    """Which of several files; empty for the one that is read."""

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.name, self.field, self.message)))

    def follows(self, unread: Finding) -> bool:
        """Whether it only says that what could not be read is missing."""
        there = (self.line, self.name) == (unread.line, unread.name)
        return there and self.field.startswith(unread.field)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a field of the request stands in the file."""

    node: Node
    line: int
    name: str
    field: str


@dataclass(slots=True)
class Reading:
    """What is known of a file while it is read, and afterwards."""

    source: str
    """The file's name, as it was given."""

    findings: list[Finding] = field(default_factory=list)
    """What could not be read; the message has the rest."""

    places: dict[str, Place] = field(default_factory=dict)
    """By the path of a field of the message."""

    def words(self, path: str) -> str:
        """Give the path of a field in the file's words."""
        return path

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


class Object:
    """An object of the file, and what may stand in it: each field is taken at most once."""

    def __init__(self, reading: Reading, node: Node, *, path: str, line: int, name: str) -> None:
        self.reading = reading
        self.path = path
        self.name = name
        self._node = node
        self._members: dict[str, Node] = {}
        place = Place(node, line, name, reading.words(path))
        reading.places[path] = place
        if isinstance(node.value, dict):
            self._members = dict(node.value)
        else:
            self.say(f"is {kind_of(node)}, expected an object", line=line)

    def say(self, message: str, *, line: int, word: str = "") -> None:
        """Say what is wrong with it, or with the field `word`."""
        where = ".".join(filter(None, (self.reading.words(self.path), word)))
        self.reading.findings.append(Finding(line, self.name, where, message))

    def take(self, word: str, *, path: str = "") -> Node | None:
        """Take a field out, and remember where it stands; `path` is the message's word for it."""
        node = self._members.pop(word, None)
        if node is not None:
            inner = ".".join(filter(None, (self.path, path or word)))
            shown = ".".join(filter(None, (self.reading.words(self.path), word)))
            place = Place(node, self._node.key_lines[word], self.name, shown)
            self.reading.places[inner] = place
        return node

    def line(self, word: str) -> int:
        """Give the line of a field."""
        return self._node.key_lines[word]

    def text(self, word: str) -> str:
        """Take a text; empty when there is none."""
        node = self.take(word)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            hint = "" if isinstance(node.value, dict | list) else "; put it in quotes"
            self.say(f"is {kind_of(node)}, expected a text{hint}", line=self.line(word), word=word)
            return ""
        return node.value

    def texts(self, word: str, *, path: str = "") -> list[str]:
        """Take a text, or a list of texts."""
        node = self.take(word, path=path)
        match node.value if node is not None else []:
            case str() as one:
                return [one]
            case list() as several if all(isinstance(item.value, str) for item in several):
                return [str(item.value) for item in several]
        self.say("expected a text or a list of texts", line=self.line(word), word=word)
        return []

    def choice(self, word: str, choices: dict[str, _Choice]) -> _Choice | None:
        """Take one of some words, and give what it stands for; None when there is none."""
        text = self.text(word)
        if text and text not in choices:
            expected = ", ".join(choices)
            self.say(f"is {text!r}, expected one of {expected}", line=self.line(word), word=word)
        return choices.get(text)

    def number(self, word: str) -> int | float:
        """Take a number; 0 when there is none."""
        node = self.take(word)
        if node is None:
            return 0
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            self.say(f"is {kind_of(node)}, expected a number", line=self.line(word), word=word)
            return 0
        return node.value

    def flag(self, word: str) -> bool:
        """Take a boolean; False when there is none."""
        node = self.take(word)
        if node is None or isinstance(node.value, bool):
            return node is not None and node.value is True
        self.say(f"is {kind_of(node)}, expected true or false", line=self.line(word), word=word)
        return False

    def json(self, word: str, *, path: str = "") -> str:
        """Take any value, as JSON text; empty when there is none."""
        node = self.take(word, path=path)
        return "" if node is None else json_text(node.plain())

    def objects(self, word: str, *, path: str = "") -> Iterator[tuple[Node, str]]:
        """Give the items of a list, and the path of each."""
        node = self.take(word, path=path)
        if node is None:
            return
        if not isinstance(node.value, list):
            self.say(f"is {kind_of(node)}, expected a list", line=self.line(word), word=word)
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


def kind_of(node: Node) -> str:
    """Say what a value is, in JSON's words."""
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
