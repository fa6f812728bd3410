"""Fills a database with what the plans are shown over, and says what is in it.

1,000,000 events of one tenant in 20,000 aggregates and more, with causes, pieces of work, related
events, outcomes, narratives and entities, a few of which are of very many; 1,000 tenants, 1,000
consumers with 200,000 events of their own, 100 projections with 100,000 rows, 10,000 tokens.
Everything is made by arithmetic: what this module says of it and fill.sql go together.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from pathlib import Path
from uuid import UUID

import psycopg

TENANT = 1
HEAD = 1_000_000
HOT_CAUSE, HOT_OUTCOMES, HOT_RELATED = 500, 1_000, 2_000
"""Positions of events that 20,000 others have as their cause, that 5,000 outcomes are of, and that
20,000 others name."""
_PIECE = re.compile(r"^-- piece: (\w+)\n", re.MULTILINE)


def event_id(position: int) -> UUID:
    """The id of the event at a position."""
    return UUID(f"{position:012x}70008000{position:012x}")


def other_id(kind: str, number: int) -> UUID:
    """The id of a consumer, a member or an instruction."""
    return UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def fill(url: str) -> None:
    """Fills a database that has everlog's schema, and no events. Takes some two minutes."""
    _, *pieces = _PIECE.split(Path(__file__).with_name("fill.sql").read_text(encoding="utf-8"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET maintenance_work_mem = '256MB'")
        for name, statements in zip(pieces[::2], pieces[1::2], strict=True):
            started = time.monotonic()
            connection.execute(statements.encode())
            print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        connection.execute("VACUUM (ANALYZE)")
