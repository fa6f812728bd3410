"""SQL in files: each query with a name and one sentence, loaded once.

A file holds queries that begin with a line `-- name: snake_case_name`. Parameters are named
(`%(tenant_id)s`), or numbered (`$1`) in appends.sql, whose queries are prepared through libpq. A
line `-- fragment: snake_case_name` begins a piece that queries of the same file include as
`{that_name}`; another file's can be borrowed.
"""

from __future__ import annotations

import re
from importlib import resources

_HEADING = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)


def load(file_name: str, *, fragments_of: str | None = None) -> dict[str, str]:
    """The queries of one file of this folder, by name; another one may lend its fragments."""
    queries, fragments = _pieces(file_name)
    if fragments_of is not None:
        # Behind its own: they may include each other, and its own may include them.
        fragments |= _pieces(fragments_of)[1]
    return {name: _with_fragments(body, fragments) for name, body in queries.items()}


def _pieces(file_name: str) -> tuple[dict[str, str], dict[str, str]]:
    """The queries and the fragments of a file, by name."""
    text = resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")
    _, *pieces = _HEADING.split(text)
    queries: dict[str, str] = {}
    fragments: dict[str, str] = {}
    for kind, name, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
        (queries if kind == "name" else fragments)[name] = "\n".join(lines).strip().rstrip(";")
    return queries, fragments


def _with_fragments(body: str, fragments: dict[str, str]) -> str:
    """Fills in the fragments; one may include those that stand after it in the file."""
    for name, text in fragments.items():
        body = body.replace("{" + name + "}", text)
    return body
