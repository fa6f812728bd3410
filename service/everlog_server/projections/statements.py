"""Statements of a definition, and the parameters in them: `%(data.sku)s`.

A statement is given to PostgreSQL with numbered parameters, each occurrence a number of its own:
the same name may be wanted as a number in one place and as text in another. So that an error can
be shown where it is in the definition, each place of the numbered text can be traced back.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

JSON_SOURCES = frozenset({"data", "metadata", "intent", "context"})
"""JSON, and what stands in it."""
COLUMNS = {
    "aggregate_type": "text",
    "aggregate_id": "text",
    "event_type": "text",
    "event_id": "uuid",
    "source": "text",
    "position": "int8",
    "sequence": "int8",
    "record_time": "timestamptz",
    "occurred_time": "timestamptz",
    "correlation_id": "text",
    "causation_id": "uuid",
    "actor": "text",
    "user_id": "text",
}
"""All else that has a name, with its type."""

_QUOTED = re.compile(
    r"""
      --[^\n]*                                     # a comment
    | (?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'           # text with escapes
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"                               # a name
    | (?<![\w$])(?P<dollar>\$(?:[^\W\d]\w*)?\$).*?(?P=dollar)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PLAIN = re.compile(r"[^%'\"\-/$;eE\s]+|\s+")
_PARAMETER = re.compile(r"%\(([^()]*)\)s")


class StatementError(ValueError):
    """What is wrong with a statement, and where: `place` counts characters from 1."""

    def __init__(self, text: str, place: int) -> None:
        super().__init__(text)
        self.place = place


class Parameter(NamedTuple):
    """Where the value of a parameter comes from."""

    name: str
    source: str
    """`data`, `position` …"""
    path: tuple[str, ...]
    """What stands in a JSON source; empty: all of it."""


class Statement(NamedTuple):
    """A statement as it is prepared."""

    pieces: tuple[str, ...]
    """The text between the parameters: one more than there are of those."""
    parameters: tuple[Parameter, ...]
    places: tuple[tuple[int, int], ...]
    """Places of the numbered text and of the definition at which they begin to run alike."""

    @property
    def numbered(self) -> str:
        """With `$1`, `$2` … for the parameters."""
        numbers = [f"${number}" for number in range(1, len(self.parameters) + 1)]
        return _interleaved(self.pieces, numbers)

    def with_values(self, expressions: list[str]) -> str:
        """With an expression for each parameter."""
        return _interleaved(self.pieces, expressions)

    def place_of(self, place: int) -> int:
        """Where in the definition is what is at a place of the numbered text; both from 1."""
        index = bisect_right(self.places, (place - 1, 1 << 60)) - 1
        numbered, original = self.places[max(0, index)]
        return original + max(0, place - 1 - numbered) + 1


def parse_statement(text: str) -> Statement:
    """The statement; raises StatementError."""
    reader = _Reader(text)
    reader.read()
    if not any(piece.strip() for piece in reader.pieces):
        raise StatementError("must not be empty", 1)
    return Statement(tuple(reader.pieces), tuple(reader.parameters), tuple(reader.places))


class _Reader:
    """Reads one statement."""

    def __init__(self, text: str) -> None:
        self.pieces: list[str] = []
        self.parameters: list[Parameter] = []
        self.places = [(0, 0)]
        self._text = text
        self._piece: list[str] = []
        self._written = 0
        self._has_ended = False

    def read(self) -> None:
        text, at = self._text, 0
        while at < len(text):
            end = _end_of_quoted(text, at)
            if end is not None:
                if not text.startswith(("--", "/*"), at):
                    self._check_goes_on(at)
                self._copy(self._unescaped(at, end))
            elif text[at] == "%":
                self._check_goes_on(at)
                end = self._read_percent(at)
            elif text[at] == ";":
                # What is compiled has its own; a blank keeps all places as they are.
                self._has_ended, end = True, at + 1
                self._copy(" ")
            else:
                plain = _PLAIN.match(text, at)
                end = plain.end() if plain else at + 1
                if not text[at:end].isspace():
                    self._check_goes_on(at)
                self._copy(text[at:end])
            at = end
        self._end_piece()

    def _check_goes_on(self, at: int) -> None:
        if self._has_ended:
            raise StatementError("must be one statement: a second one begins here", at + 1)

    def _copy(self, part: str) -> None:
        self._piece.append(part)
        self._written += len(part)

    def _end_piece(self) -> None:
        self.pieces.append("".join(self._piece))
        self._piece = []

    def _read_percent(self, at: int) -> int:
        """Reads a percent sign or a parameter; returns where it ends."""
        if self._text.startswith("%%", at):
            self._copy("%")
            end = at + 2
        else:
            match = _PARAMETER.match(self._text, at)
            if match is None:
                raise StatementError("a percent sign is written %%, a parameter %(name)s", at + 1)
            self.parameters.append(_parameter(match[1], at + 1))
            self._end_piece()
            self._written += len(f"${len(self.parameters)}")
            end = match.end()
        self.places.append((self._written, end))
        return end

    def _unescaped(self, at: int, end: int) -> str:
        """What is quoted, with single percent signs. A parameter can't stand there."""
        quoted = self._text[at:end]
        if "%" not in quoted or quoted.startswith(("--", "/*")):
            return quoted
        parts: list[str] = []
        length = here = 0
        while (found := quoted.find("%", here)) >= 0:
            if quoted[found : found + 2] != "%%":
                what = "a percent sign is written %%, also in quotes"
                if _PARAMETER.match(quoted, found):
                    what = "a parameter can't stand in quotes"
                raise StatementError(what, at + found + 1)
            parts.append(quoted[here : found + 1])
            length += found + 1 - here
            here = found + 2
            self.places.append((self._written + length, at + here))
        parts.append(quoted[here:])
        return "".join(parts)


def _end_of_quoted(text: str, at: int) -> int | None:
    """Where what is quoted here ends, a comment too; None: nothing is."""
    if text.startswith("/*", at):
        depth, here = 0, at
        while match := _COMMENT_EDGE.search(text, here):
            depth += 1 if match[0] == "/*" else -1
            here = match.end()
            if depth == 0:
                return here
        return len(text)
    match = _QUOTED.match(text, at)
    return match.end() if match else None


def _parameter(name: str, place: int) -> Parameter:
    source, dot, rest = name.partition(".")
    if source in JSON_SOURCES:
        if dot and (not rest or "" in rest.split(".")):
            raise StatementError(f"%({name})s has an empty part", place)
        # Metadata is flat, and its keys may well have full stops.
        path = () if not dot else (rest,) if source == "metadata" else tuple(rest.split("."))
        return Parameter(name, source, path)
    if name in COLUMNS:
        return Parameter(name, name, ())
    known = ", ".join(sorted(JSON_SOURCES | COLUMNS.keys()))
    raise StatementError(
        f"%({name})s is not known; there are {known}, and data.… and the like", place
    )


def _interleaved(pieces: tuple[str, ...], between: list[str]) -> str:
    parts = [pieces[0]]
    for value, piece in zip(between, pieces[1:], strict=True):
        parts += (value, piece)
    return "".join(parts)
