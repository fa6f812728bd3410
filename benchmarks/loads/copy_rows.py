"""Raw binary COPY of prebuilt rows into everlog's table, one transaction for each batch.

Parameters: address (a database URL to write), source (one to take the rows from), count, and
batch_events. One connection: a log has one writer at a time, as everlog's sequencer is.
"""

from __future__ import annotations

import psycopg

from benchmarks.loads import common

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


def read_batches(source: str, count: int, batch_events: int) -> list[bytes]:
    """The rows of the source, in the form that COPY takes."""
    batches = []
    with psycopg.connect(source, autocommit=True) as connection:
        for start in range(0, count, batch_events):
            query = (
                "COPY (SELECT * FROM everlog.events WHERE position >"
                f" {start} AND position <= {start + batch_events} ORDER BY position)"
                " TO STDOUT (FORMAT BINARY)"
            )
            with connection.cursor().copy(query.encode()) as copy:
                batches.append(b"".join(bytes(part) for part in copy))
    assert all(batch.startswith(_HEADER) and batch.endswith(_TRAILER) for batch in batches)
    return batches


def main() -> None:
    told = common.parameters()
    batches = read_batches(told["source"], told["count"], told["batch_events"])
    with psycopg.connect(told["address"], autocommit=True) as connection:
        common.wait_for_go()
        stopwatch = common.Stopwatch()
        for batch in batches:
            with connection.cursor().copy(
                b"COPY everlog.events FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.write(batch)
        stopwatch.stop()
        row = connection.execute("SELECT count(*) FROM everlog.events").fetchone()
        assert row is not None
        stopwatch.report(row[0])


if __name__ == "__main__":
    main()
