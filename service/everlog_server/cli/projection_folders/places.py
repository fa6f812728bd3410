"""Where SQL of a definition stands in its folder, down to the character."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple


class SqlPlace(NamedTuple):
    """A character of SQL: its line in the file, and the line itself, to be shown with a caret."""

    file: str
    line: int
    code: str
    column: int
    """Of the character in `code`, from 0."""

    def shown(self) -> str:
        """Give the line, with a caret under the character."""
        gap = "".join("\t" if character == "\t" else " " for character in self.code[: self.column])
        return f"    {self.code}\n    {gap}^"


@dataclass(frozen=True, slots=True)
class SqlText:
    """A text with SQL: a file, or a value of `projection.yaml`."""

    file: str
    text: str
    first_line: int = 1
    is_block: bool = True
    """Whether each line of the text is a line of the file."""

    def place(self, offset: int) -> SqlPlace:
        """Give the place of a character, by its number from 0."""
        begin = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        code = self.text[begin : len(self.text) if end < 0 else end].rstrip("\r")
        line = self.first_line + (self.text.count("\n", 0, begin) if self.is_block else 0)
        return SqlPlace(self.file, line, code, offset - begin)


@dataclass(slots=True)
class SqlField:
    """A field of the definition that is SQL, and the texts that it is made of."""

    pieces: list[tuple[SqlText, int]] = field(default_factory=list)
    """Each text, and its character that the piece begins with."""

    begins: list[int] = field(default_factory=list)
    """Where each piece begins in the field."""

    length: int = 0

    def add(self, text: SqlText, offset: int, length: int) -> None:
        """Say what the field goes on with."""
        self.pieces.append((text, offset))
        self.begins.append(self.length)
        self.length += length

    def place(self, position: int) -> SqlPlace:
        """Give the place of a character of the field, by its number from 1."""
        index = min(max(position - 1, 0), max(self.length - 1, 0))
        number = bisect_right(self.begins, index) - 1
        text, offset = self.pieces[number]
        within = offset + index - self.begins[number]
        return text.place(min(within, len(text.text)))
