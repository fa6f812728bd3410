"""Scenario groups by languages: what passed, as a table, and where it is kept."""

from __future__ import annotations

from collections import Counter

from tests.clients.conformance.languages import LANGUAGES, ROOT

README = ROOT / "clients" / "README.md"
_BEGIN = "<!-- matrix: written by `pytest tests/clients/conformance --write-matrix` -->"
_END = "<!-- end of the matrix -->"


class Matrix:
    """What became of each scenario in each language."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Counter[str]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no scenario was played."""
        return not self._cells

    def note(self, language: str, group: str, outcome: str) -> None:
        """One scenario has `passed`, `failed`, was `skipped`, or is `not offered` by the client."""
        self._cells.setdefault((language, group), Counter())[outcome] += 1

    def table(self) -> str:
        """The matrix in Markdown: passed of all, for each group and language."""
        languages = [name for name in LANGUAGES if any(name == cell[0] for cell in self._cells)]
        groups = sorted({group for _, group in self._cells}, key=self._order)
        header = ["scenarios", *(LANGUAGES[name].title for name in languages)]
        rows = [[group, *(self._cell(name, group) for name in languages)] for group in groups]
        return "\n".join(
            [_row(header), _row(["---"] * len(header)), *(_row(cells) for cells in rows)]
        )

    def _order(self, group: str) -> int:
        return list(dict.fromkeys(group for _, group in self._cells)).index(group)

    def _cell(self, language: str, group: str) -> str:
        outcomes = self._cells.get((language, group), Counter())
        passed, everything = outcomes["passed"], outcomes.total()
        if everything == 0 or outcomes["skipped"] == everything:
            return "-"
        if outcomes["not offered"] == everything:
            return "not offered"
        if passed == everything:
            return f"✓ {passed}"
        return f"{passed} of {everything}"

    def missing(self, played: Counter[str]) -> list[str]:
        """What a whole run has and this one lacks; `played` counts a group's scenarios.

        A client that offers nothing of a group lacks nothing; one that offers a part of it does.
        """
        found = {
            (language, group): self._cells.get((language, group), Counter())
            for language in LANGUAGES
            for group in played
        }
        return [
            f"{LANGUAGES[language].title}: {group}"
            for (language, group), outcomes in found.items()
            if played[group] not in (outcomes["passed"], outcomes["not offered"])
        ]

    def write(self) -> None:
        """Put the table between its two marks in clients/README.md."""
        text = README.read_text(encoding="utf-8")
        head, begin, rest = text.partition(_BEGIN)
        _, end, tail = rest.partition(_END)
        assert begin, f"{README} lacks {_BEGIN}"
        assert end, f"{README} lacks {_END}"
        README.write_text(f"{head}{_BEGIN}\n\n{self.table()}\n\n{_END}{tail}", encoding="utf-8")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
