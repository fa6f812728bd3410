"""Text of others inside of our Markdown: shown, and never obeyed.

Invariant, tested: whatever the text, it stays on its line, and makes no heading, list, table cell,
link, image, HTML or emphasis.
"""

from __future__ import annotations

import re
import unicodedata

_SPACES = re.compile(r"\s+")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#~|!$&^=])")
# GitHub and others make links of bare addresses. A backslash may stand before any punctuation.
_SCHEME = re.compile(r"(?i)(https?|ftp|mailto|xmpp):")
_WWW = re.compile(r"(?i)www\.")
_FENCE = re.compile(r"`+")


def escaped(text: str, characters_max: int) -> str:
    """One line of plain text."""
    return _marked(_one_line(text, characters_max))


def code(text: str, characters_max: int) -> str:
    """One line of code. Nothing is special in it but the backticks that end it."""
    line = _one_line(text, characters_max)
    longest = max((len(run) for run in _FENCE.findall(line)), default=0)
    fence = "`" * (longest + 1)
    # A space at each end is taken away again, when both are there.
    pad = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{fence}{pad}{line or ' '}{pad}{fence}"


def defanged(markdown: str, characters_max: int) -> str:
    """Markdown of others: its headings, lists and emphasis stay; HTML, links and images do not."""
    text = "".join(
        character if character in "\n\t" or not _is_control(character) else "\ufffd"
        for character in markdown.replace("\r\n", "\n")[:characters_max]
    )
    text = text.replace("<", "&lt;")
    text = re.sub(r"(?<!\\)((?:\\\\)*)([\[\]])", r"\1\\\2", text)
    return _without_addresses(text)


def _marked(text: str) -> str:
    return _without_addresses(_SPECIAL.sub(r"\\\1", text))


def _without_addresses(text: str) -> str:
    return _WWW.sub(lambda www: www[0][:-1] + "\\.", _SCHEME.sub(r"\1\:", text))


def _one_line(text: str, characters_max: int) -> str:
    cut = text[: characters_max + 1]
    line = _SPACES.sub(" ", cut).strip()
    line = "".join("\ufffd" if _is_control(character) else character for character in line)
    return line if len(text) <= characters_max else f"{line[:characters_max]}…"


def _is_control(character: str) -> bool:
    # Cf holds what turns the direction of text around, and hides.
    # Joiners belong to letters and emoji.
    return (
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        and character not in "\u200c\u200d"
    )
