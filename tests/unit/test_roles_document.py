"""docs/roles.md shows the table of rights as it is."""

from __future__ import annotations

import os
from pathlib import Path

from everlog_server.rpc.rights import RIGHTS, Narrowing, Right

DOCUMENT = Path(__file__).parents[2] / "docs" / "roles.md"
BEGIN, END = "<!-- table of rights -->", "<!-- end of the table -->"


def table() -> str:
    lines = ["| RPC | role | for who is limited to some events |", "|---|---|---|"]
    for method, right in RIGHTS.items():
        role = "any" if right.role is None else f"`{right.role.name.lower()}`"
        name = method.removeprefix("everlog.v1.")
        lines.append(f"| `{name}` | {role} | {limited(right)} |")
    return "\n".join(lines)


def limited(right: Right) -> str:
    if right.narrowing is Narrowing.REFUSED:
        return f"refused: {right.why_refused}"
    return str(right.narrowing.value)


def test_the_document_shows_the_table_of_rights() -> None:
    """EVERLOG_WRITE_DOCS=1 writes it, instead."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    expected = f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"
    if os.environ.get("EVERLOG_WRITE_DOCS"):
        DOCUMENT.write_text(expected, encoding="utf-8")
        return
    assert text == expected
