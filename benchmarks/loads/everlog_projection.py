"""State tables brought up to date with a log: by a projection, or by a loop written by hand.

Parameters: address, kind, database_url, name (of the projection, or of the schema), count (the
log's events), window. Kinds: `projection` (the server's), `insert_select` (one INSERT … SELECT a
window, with the checkpoint in the same transaction), `psycopg` (rows are read, and sent back as one
executemany a window). All three keep the same table: by aggregate, how many events, the last one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import grpc
import psycopg

from benchmarks.loads import common
from everlog.v1 import projections_pb2 as pb
from everlog.v1.projections_pb2_grpc import ProjectionServiceStub

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "orders (id text PRIMARY KEY, events bigint NOT NULL, last bigint NOT NULL, note text)"
UPSERT = """
    INSERT INTO orders (id, events, last, note) VALUES ({values})
    ON CONFLICT (id) DO UPDATE SET
        events = orders.events + 1, last = excluded.last, note = excluded.note
"""
POLL_SECONDS = 0.01


def by_projection(told: dict[str, Any]) -> Callable[[], None]:
    definition = pb.ProjectionDefinition(
        name=told["name"],
        tables=f"CREATE TABLE {TABLE}",
        handlers=[
            pb.ProjectionHandler(
                event_types=[common.EVENT_TYPE],
                statements=[
                    UPSERT.format(values="%(aggregate_id)s, 1, %(position)s, %(data.note)s")
                ],
            )
        ],
    )
    stub = ProjectionServiceStub(grpc.insecure_channel(told["address"]))

    def run() -> None:
        stub.ApplyProjection(pb.ApplyProjectionRequest(definition=definition))
        request = pb.GetProjectionRequest(name=told["name"])
        while stub.GetProjection(request).projection.checkpoint < told["count"]:
            time.sleep(POLL_SECONDS)

    return run


def by_loop(told: dict[str, Any]) -> Callable[[], None]:
    """Both loops; the checkpoint is committed with the effects, as a projection's is."""
    connection = psycopg.connect(told["database_url"])
    name = told["name"]
    connection.execute(f"CREATE SCHEMA {name}".encode())
    connection.execute(f"SET search_path = {name}".encode())
    connection.execute(f"CREATE TABLE {TABLE}; CREATE TABLE place (position bigint)".encode())
    connection.execute("INSERT INTO place VALUES (0)")
    connection.commit()
    window = {"insert_select": _insert_select, "psycopg": _executemany}[told["kind"]]

    def run() -> None:
        for after in range(0, told["count"], told["window"]):
            window(connection, after, after + told["window"])
            connection.execute("UPDATE place SET position = %s", [after + told["window"]])
            connection.commit()

    return run


def _insert_select(connection: psycopg.Connection, after: int, through: int) -> None:
    # An aggregate may be met twice in a window: ON CONFLICT refuses that, so it is added up before.
    connection.execute(
        """
        INSERT INTO orders (id, events, last, note)
        SELECT aggregate_id, count(*), max(position),
            (array_agg(data ->> 'note' ORDER BY position DESC))[1]
        FROM everlog.events
        WHERE tenant_id = 1 AND position > %s AND position <= %s AND event_type = 'order.created'
        GROUP BY aggregate_id
        ON CONFLICT (id) DO UPDATE SET
            events = orders.events + excluded.events, last = excluded.last, note = excluded.note
        """,
        [after, through],
    )


def _executemany(connection: psycopg.Connection, after: int, through: int) -> None:
    rows = connection.execute(
        "SELECT aggregate_id, position, data ->> 'note' FROM everlog.events WHERE tenant_id = 1"
        " AND position > %s AND position <= %s AND event_type = 'order.created' ORDER BY position",
        [after, through],
    ).fetchall()
    statement = UPSERT.format(values="%s, 1, %s, %s")
    connection.cursor().executemany(statement.encode(), rows)


def main() -> None:
    told = common.parameters()
    run = by_projection(told) if told["kind"] == "projection" else by_loop(told)
    common.wait_for_go()
    stopwatch = common.Stopwatch()
    run()
    stopwatch.stop()
    with psycopg.connect(told["database_url"]) as connection:
        row = connection.execute(
            f"SELECT sum(events) FROM {told['name']}.orders".encode()
        ).fetchone()
    assert row is not None
    stopwatch.report(int(row[0]))


if __name__ == "__main__":
    main()
