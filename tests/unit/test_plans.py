"""docs/plans.md shows every query, or says why not."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from benchmarks.explain.case import SqlFile
from benchmarks.explain.cases import FILES, NOT_SHOWN
from everlog_server.storage import sql
from everlog_server.storage.sql import load

PAGE = Path(__file__).parents[2] / "docs" / "plans.md"
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def test_every_file_of_queries_is_shown_or_named_as_not_shown() -> None:
    stored = {one.name for one in resources.files(sql).iterdir() if one.name.endswith(".sql")}
    assert stored == {file.name for file in FILES} ^ set(NOT_SHOWN)


@each_file
def test_every_query_has_a_case_or_a_reason_for_having_none(file: SqlFile) -> None:
    queries = set(load(file.name, fragments_of=file.fragments_of))
    assert queries == {case.query for case in file.cases} ^ set(file.not_shown)


@each_file
def test_the_page_shows_each_case(file: SqlFile) -> None:
    page = PAGE.read_text(encoding="utf-8")
    _, found, rest = page.partition(f"(`{file.name}`)\n")
    assert found, "docs/plans.md is older than its cases: python -m benchmarks.explain"
    section = rest.partition("\n## ")[0]
    missing = [
        case.what for case in file.cases if f"| `{case.query}` | {case.what} |" not in section
    ]
    assert not missing, "docs/plans.md is older than its cases: python -m benchmarks.explain"
