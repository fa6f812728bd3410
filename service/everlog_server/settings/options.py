"""What a setting is called in each place and which texts it understands: from the tree's fields."""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from everlog_server.errors import EverlogError
from everlog_server.settings.tree import KIB, MIB, Settings

_UNITS = {"": 1, "kib": KIB, "mib": MIB, "gib": 1024 * MIB}
_BYTE_COUNT = re.compile(r"(\d+)\s*(|kib|mib|gib)", re.IGNORECASE)


class SettingsError(EverlogError):
    """A setting is unknown or has a wrong value."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting as its field describes it."""

    section: str
    key: str
    type: Any
    """bool, int, float, str, Path or a Literal."""
    default: Any
    doc: str
    least: float
    most: float
    secret: bool
    """Never shown, and no flag: other users of the machine see those."""

    @property
    def name(self) -> str:
        """Its name in messages: `append.batch_events_max`."""
        return f"{self.section}.{self.key}"

    @property
    def _words(self) -> str:
        short = self.section in {"server", "storage"}
        return self.key if short else f"{self.section}_{self.key}"

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self._words.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"EVERLOG_{self._words.upper()}"

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that a Literal allows; empty for other types."""
        return get_args(self.type)

    def value_in(self, settings: Settings) -> Any:
        """Its value."""
        return getattr(getattr(settings, self.section), self.key)

    def parse(self, raw: object, *, source: str) -> Any:
        """The value that a text, or a value of TOML or JSON, stands for; raises SettingsError."""
        try:
            return self._convert(raw)
        except ValueError as error:
            shown = "***" if self.secret else repr(raw)
            message = f"{self.name} is {shown} (from {source}), but must be {error}"
            raise SettingsError(message) from None

    def _convert(self, raw: object) -> Any:
        """Raises ValueError, which says what is right."""
        if self.choices:
            if raw not in self.choices:
                raise ValueError(f"one of {', '.join(self.choices)}")
            return raw
        if self.type is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            if str(raw).lower() not in words:
                raise ValueError("true or false")
            return words[str(raw).lower()]
        if self.type in {int, float}:
            number = self._number(str(raw).strip())
            if number < self.least or number > self.most:
                most = "" if math.isinf(self.most) else f" and at most {self._shown(self.most)}"
                raise ValueError(f"at least {self._shown(self.least)}{most}")
            return number
        if not isinstance(raw, str | Path):
            raise ValueError("a text")
        return self.type(raw)

    def _shown(self, bound: float) -> str:
        """A bound as one would write it: `64KiB`."""
        if self.key.endswith("_bytes_max") and bound:
            for unit, size in (("MiB", MIB), ("KiB", KIB)):
                if bound % size == 0:
                    return f"{bound / size:g}{unit}"
        return f"{bound:g}"

    def _number(self, text: str) -> float:
        wanted = "a whole number" if self.type is int else "a number"
        if self.key.endswith("_bytes_max"):
            wanted = "a number of bytes, such as 8MiB"
            if match := _BYTE_COUNT.fullmatch(text):
                return int(match[1]) * _UNITS[match[2].lower()]
        try:
            number: float = self.type(text)
        except ValueError:
            raise ValueError(wanted) from None
        if not math.isfinite(number):
            raise ValueError(wanted)
        return number


@cache
def options() -> tuple[Option, ...]:
    """Every setting, in the order of the file."""
    found = []
    for section, section_type in get_type_hints(Settings).items():
        types = get_type_hints(section_type)
        for each in dataclasses.fields(section_type):
            kind = types[each.name]
            if isinstance(kind, UnionType):  # `… | None`: None is the absence of a value
                kind = kind.__args__[0]
            found.append(Option(section, each.name, kind, each.default, **each.metadata))
    return tuple(found)
