"""Projections: what their tables hold is what a fold over the log gives, each event once."""

from __future__ import annotations

import asyncio
import contextlib
import json
from itertools import count
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from everlog.v1 import filter_pb2
from everlog.v1 import projections_pb2 as pb
from tests.projections import Projections, fold, handler, projections_at, sums
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

Definition = pb.ProjectionDefinition
Effects = pb.ProjectionEffects
Response = pb.ApplyProjectionResponse
_numbers = count(1)


@pytest.fixture(scope="module")
def shared_database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """One database for the tests of this module: each has a tenant of its own."""
    url = postgres.dsn.replace("/everlog?", "/projections?")
    admin = postgres.dsn.replace("/everlog?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE projections TEMPLATE {template_database}".encode())
        yield url
        connection.execute(b"DROP DATABASE projections WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    async with serving(shared_database_url, tmp_path_factory.mktemp("projections")) as server:
        yield server.address


@pytest_asyncio.fixture(loop_scope="module")
async def wire(address: str, shared_database_url: str) -> AsyncIterator[Projections]:
    """A client of a new tenant."""
    number = next(_numbers) + 1000
    tenant = f"tenant-{number}"
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO everlog.tenant_names (name, tenant_id) VALUES (%s, %s)", [tenant, number]
        )
        connection.execute("INSERT INTO everlog.tenants (tenant_id) VALUES (%s)", [number])
    async with projections_at(address, shared_database_url, tenant) as found:
        yield found
        for projection in (
            await found.stub.ListProjections(pb.ListProjectionsRequest(), metadata=found._metadata)
        ).projections:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await found.stub.DeleteProjection(
                    pb.DeleteProjectionRequest(name=projection.definition.name),
                    metadata=found._metadata,
                )


def reason(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    assert status is not None, error
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return info


async def refused(call: Any, *, with_reason: str) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert reason(caught.value).reason == with_reason, caught.value
    return caught.value


async def test_tables_are_a_fold_of_the_log(wire: Projections) -> None:
    await wire.emit(1, {"n": 1}, event_type="other.type")
    await wire.emit({"n": 1}, {"n": 2}, aggregate="a")
    applied = await wire.apply(sums())
    assert applied.change == Response.CHANGE_CREATED
    await wire.emit({"n": 4}, {"n": -10}, aggregate="b")
    projection = await wire.caught_up("sums")
    assert projection.state == pb.Projection.STATE_RUNNING
    assert projection.checkpoint == projection.head_position == 6
    assert wire.sums() == fold(await wire.log()) == {"a": (3, 2), "b": (-6, 2)}


TYPES: list[tuple[str, Any, Any]] = [
    ("numeric", "12345678901234567890.123456789", "12345678901234567890.123456789"),
    ("numeric", 12.5, "12.5"),
    ("bigint", 9007199254740993, "9007199254740993"),
    ("integer", -3, "-3"),
    ("smallint", "7", "7"),
    ("double precision", 0.1, "0.1"),
    ("boolean", True, "true"),
    ("text", 'it\'s "q" %s %% \\ \n é 漢字 😀 $1', 'it\'s "q" %s %% \\ \n é 漢字 😀 $1'),
    ("varchar(3)", "abc", "abc"),
    ("text", {"b": 1}, '{"b": 1}'),
    ("timestamptz", "2024-02-29T12:00:00.123456+02:00", "2024-02-29 10:00:00.123456+00"),
    ("date", "2024-02-29", "2024-02-29"),
    ("interval", "90 seconds", "00:01:30"),
    ("uuid", "01976A3C-8D2E-7CC0-A1B2-C3D4E5F60718", "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"),
    ("jsonb", {"a": [1, None, "x"]}, '{"a": [1, null, "x"]}'),
    ("json", [1, {"k": "v"}], '[1, {"k": "v"}]'),
    ("jsonb", None, "null"),
    ("text[]", ["a", "b,c", 'q"', None, ""], '{a,"b,c","q\\"",NULL,""}'),
    ("text[]", [], "{}"),
    ("int[]", [1, 2, None], "{1,2,NULL}"),
    ("int[]", [[1, 2], [3, 4]], "{{1,2},{3,4}}"),
    ("int[]", None, None),
    ("uuid[]", ["01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"], "{01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718}"),
    ("jsonb[]", [{"a": 1}, 2], '{"{\\"a\\": 1}",2}'),
    ("numeric", None, None),
    ("mood", "glad", "glad"),
    ("positive", 5, "5"),
    ("pair", {"x": 1, "y": "two"}, "(1,two)"),
    ("inet", "10.0.0.1", "10.0.0.1/32"),
]


async def test_each_value_has_the_type_of_its_place(wire: Projections) -> None:
    columns = [f"c{number} {type_}" for number, (type_, _, _) in enumerate(TYPES)]
    names = [f"c{number}" for number in range(len(TYPES))]
    values = [f"%(data.v.{number})s" for number in range(len(TYPES))]
    definition = Definition(
        name="typed",
        tables="CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE pair AS (x int, y text);"
        " CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
        f" CREATE TABLE t ({', '.join(columns)})",
        handlers=[
            handler("v.set", f"INSERT INTO t ({', '.join(names)}) VALUES ({', '.join(values)})")
        ],
    )
    await wire.apply(definition)
    await wire.emit({"v": [value for _, value, _ in TYPES]}, event_type="v.set")
    await wire.caught_up("typed")
    assert not await wire.errors("typed")
    (row,) = wire.rows(f"SELECT {', '.join(f'{name}::text' for name in names)} FROM typed.t")
    assert list(row) == [expected for _, _, expected in TYPES]


PLACES: list[tuple[str, str, str | None]] = [
    ("%(data)s", "jsonb", '{"a": {"b.c": 1, "d": [{"e": "x"}]}, "0": "zero", "n": null}'),
    ("%(data.a.d.0.e)s", "text", "x"),
    ("%(data.a.d.-1.e)s", "text", "x"),
    ("%(data.0)s", "text", "zero"),
    ("%(data.n)s", "text", None),
    ("%(data.none.of.it)s", "numeric", None),
    ("%(metadata.trace.id)s", "text", "t1"),
    ("%(metadata)s", "jsonb", '{"trace.id": "t1"}'),
    ("%(aggregate_type)s", "text", "thing"),
    ("%(aggregate_id)s", "varchar", "it's"),
    ("%(event_type)s", "text", "place.set"),
    ("%(position)s", "bigint", "1"),
    ("%(position)s", "text", "1"),
    ("%(position)s", "numeric", "1"),
    ("%(sequence)s", "int", "1"),
    ("%(source)s", "text", "here"),
    ("%(correlation_id)s", "text", "c1"),
    ("%(causation_id)s", "uuid", None),
    ("%(actor)s", "text", "somebody"),
    ("%(user_id)s", "text", None),
    ("%(position)s", "jsonb", "1"),
    ("%(actor)s", "jsonb", '"somebody"'),
    ("'100%%'", "text", "100%"),
    ("'a' || '%%(x)s' /* %(no)s */ -- %(no)s\n", "text", "a%(x)s"),
    ("(17 %% 5)", "int", "2"),
    ("E'\\'%%' || $q$%%$q$", "text", "'%%"),
    ("(%(data.a.d.0.e)s || %(data.0)s)", "text", "xzero"),
]


async def test_each_name_finds_its_place_in_the_event(wire: Projections) -> None:
    columns = [f"c{number} {type_}" for number, (_, type_, _) in enumerate(PLACES)]
    values = ", ".join(text for text, _, _ in PLACES)
    definition = Definition(
        name="placed",
        tables=f"CREATE TABLE t ({', '.join(columns)}, id uuid, recorded timestamptz, at date)",
        handlers=[
            handler(
                "place.set",
                f"INSERT INTO t VALUES ({values}, %(event_id)s, %(record_time)s,"
                " %(occurred_time)s) ; -- end",
            )
        ],
    )
    await wire.apply(definition)
    data = {"a": {"b.c": 1, "d": [{"e": "x"}]}, "0": "zero", "n": None}
    await wire.emit(
        data,
        event_type="place.set",
        aggregate="it's",
        source="here",
        correlation_id="c1",
        actor="somebody",
        metadata={"trace.id": "t1"},
    )
    await wire.caught_up("placed")
    assert not await wire.errors("placed")
    row, *rest = wire.rows("SELECT * FROM placed.t")
    assert not rest
    shown = wire.rows(
        f"SELECT {', '.join(f'c{number}::text' for number in range(len(PLACES)))} FROM placed.t"
    )[0]
    assert [
        (json.loads(one) if type_ == "jsonb" and one else one)
        for one, (_, type_, _) in zip(shown, PLACES, strict=True)
    ] == [(json.loads(e) if type_ == "jsonb" and e else e) for _, type_, e in PLACES]
    (event,) = await wire.log()
    assert str(row[-3]) == event.event_id
    assert row[-2].timestamp() == pytest.approx(event.record_time.ToMicroseconds() / 1e6, abs=1e-5)


async def test_of_handlers_that_match_only_the_first_runs(wire: Projections) -> None:
    names = ["order.placed", "order.*", "order.paid", "other.*"]
    definition = Definition(
        name="first",
        tables="CREATE TABLE seen (event_type text, handler int)",
        handlers=[
            handler(name, f"INSERT INTO seen VALUES (%(event_type)s, {number})")
            for number, name in enumerate(names)
        ],
    )
    await wire.apply(definition)
    for name in ("order.placed", "order.paid", "ordered.x", "order.a.b", "other.x", "others.y"):
        await wire.emit(1, event_type=name)
    await wire.caught_up("first")
    assert wire.rows("SELECT event_type, handler FROM first.seen ORDER BY handler, 1") == [
        ("order.placed", 0),
        ("order.a.b", 1),
        ("order.paid", 1),
        ("other.x", 3),
    ]


async def test_a_filter_narrows_what_handlers_mean(wire: Projections) -> None:
    event_filter = filter_pb2.EventFilter(
        data_contains='{"kind": "it\'s"}', actor="me", metadata={"k": "100%"}
    )
    await wire.apply(sums("narrow", filter=event_filter))
    fields: dict[str, Any] = {"actor": "me", "metadata": {"k": "100%"}}
    await wire.emit({"n": 1, "kind": "it's"}, **fields)
    await wire.emit({"n": 10, "kind": "its"}, **fields)
    await wire.emit({"n": 100, "kind": "it's"}, **(fields | {"actor": "you"}))
    await wire.emit({"n": 1000, "kind": "it's"}, **(fields | {"metadata": {"k": "100"}}))
    await wire.caught_up("narrow")
    assert wire.sums("narrow") == {"1": (1, 1)}
    log = await wire.log()
    effects = [(await wire.effects(event.event_id, "narrow"))[0].effect for event in log]
    assert effects == [Effects.EFFECT_COMMITTED] + [Effects.EFFECT_NOT_MATCHED] * 3


async def test_a_rebuild_takes_the_place_of_the_old_tables(wire: Projections) -> None:
    await wire.apply(sums("again"))
    await wire.emit({"n": 1}, {"n": 2})
    await wire.caught_up("again")
    changed = sums("again")
    changed.handlers[0].statements[0] = (
        changed.handlers[0].statements[0].replace("%(data.n)s", "%(data.n)s::numeric * 10")
    )
    answer = await wire.apply(changed)
    assert answer.change == Response.CHANGE_WANTS_REBUILD
    assert answer.projection.wants_rebuild
    await wire.emit({"n": 4})
    await wire.caught_up("again")
    assert wire.sums("again") == {"1": (7, 3)}, "its tables go on by the old definition"
    assert (await wire.apply(changed, rebuild=True)).change == Response.CHANGE_REBUILDING
    projection = await wire.wait("again", lambda one: not one.HasField("rebuild"))
    assert not projection.wants_rebuild
    assert wire.sums("again") == {"1": (70, 3)}
    assert (await wire.apply(changed)).change == Response.CHANGE_NONE
    await wire.emit({"n": 1})
    await wire.caught_up("again")
    assert wire.sums("again") == {"1": (80, 4)}
    await _no_leftovers(wire, "again")


async def _no_leftovers(wire: Projections, schema: str) -> None:
    query = f"SELECT nspname FROM pg_namespace WHERE nspname LIKE '{schema}\\_\\_%'"
    async with asyncio.timeout(20):
        while wire.rows(query):  # noqa: ASYNC110  it happens in another process
            await asyncio.sleep(0.05)


async def test_what_depends_on_the_old_tables_blocks_the_switch_until_it_goes(
    wire: Projections,
) -> None:
    await wire.apply(sums("held"))
    await wire.emit({"n": 1})
    await wire.caught_up("held")
    wire.execute("CREATE VIEW public.report AS SELECT * FROM held.sums")
    request = pb.RebuildProjectionRequest(name="held")
    await wire.stub.RebuildProjection(request, metadata=wire._metadata)
    projection = await wire.wait("held", lambda one: bool(one.rebuild.blocked_by))
    assert "public.report" in projection.rebuild.blocked_by
    error = await refused(
        wire.stub.DeleteProjection(
            pb.DeleteProjectionRequest(name="held"), metadata=wire._metadata
        ),
        with_reason="PROJECTION_SCHEMA_TAKEN",
    )
    assert "public.report" in (error.details() or "")
    await wire.emit({"n": 2})
    await wire.caught_up("held")
    assert wire.rows("SELECT total FROM public.report") == [(3,)]
    wire.execute("DROP VIEW public.report")
    await wire.wait("held", lambda one: not one.HasField("rebuild"))
    assert wire.sums("held") == {"1": (3, 2)}
    await _no_leftovers(wire, "held")


def policy(name: str, on_failure: Definition.OnFailure.ValueType, **fields: Any) -> Definition:
    return sums(name, on_failure=on_failure, **fields)


async def test_a_failing_event_stops_the_projection_before_it(wire: Projections) -> None:
    await wire.apply(policy("stops", Definition.ON_FAILURE_STOP))
    _, bad, _ = await wire.emit({"n": 1}, {"n": "many"}, {"n": 4})
    projection = await wire.wait("stops", lambda one: one.state == pb.Projection.STATE_STOPPED)
    assert projection.checkpoint == 1
    assert wire.sums("stops") == {"1": (1, 1)}
    failure = projection.failure
    assert (failure.handler, failure.statement, failure.sqlstate) == (0, 0, "22P02")
    assert failure.event.event_id == bad.event_id
    assert dict(failure.parameters) == {"aggregate_id": "1", "data.n": "many"}
    assert "many" in failure.message
    assert failure.sql == sums().handlers[0].statements[0]
    assert [one.event.position for one in await wire.errors("stops")] == [2]
    (effects,) = await wire.effects(bad.event_id, "stops")
    assert effects.effect == Effects.EFFECT_FAILED
    request = pb.RetryProjectionRequest(name="stops")
    await wire.stub.RetryProjection(request, metadata=wire._metadata)
    await wire.wait("stops", lambda one: one.failure.attempts == 2)
    await wire.stub.SkipProjection(
        pb.SkipProjectionRequest(name="stops", event_id=bad.event_id), metadata=wire._metadata
    )
    await wire.caught_up("stops")
    assert wire.sums("stops") == {"1": (5, 2)}
    assert not await wire.errors("stops")
    (effects,) = await wire.effects(bad.event_id, "stops")
    assert effects.effect == Effects.EFFECT_SKIPPED
    await refused(
        wire.stub.SkipProjection(
            pb.SkipProjectionRequest(name="stops", event_id=bad.event_id), metadata=wire._metadata
        ),
        with_reason="EVENT_NOT_PENDING",
    )


async def test_a_failing_event_is_tried_so_often_and_then_stops(wire: Projections) -> None:
    definition = policy("tries", Definition.ON_FAILURE_RETRY, attempts_max=3)
    definition.backoff.initial.FromMilliseconds(20)
    await wire.apply(definition)
    await wire.emit({"n": 1}, {"n": "many"})
    projection = await wire.wait("tries", lambda one: one.state == pb.Projection.STATE_STOPPED)
    assert projection.failure.attempts == 3
    assert wire.sums("tries") == {"1": (1, 1)}


async def test_a_failing_event_is_parked_and_may_be_tried_again(wire: Projections) -> None:
    definition = policy("parks", Definition.ON_FAILURE_PARK)
    definition.tables += "CREATE TABLE known (id text PRIMARY KEY); "
    definition.handlers.append(handler("known.set", "INSERT INTO known VALUES (%(data.id)s)"))
    definition.handlers.append(
        handler("known.used", "UPDATE known SET id = id || 1 / (SELECT count(*) FROM known)")
    )
    definition.tables += "ALTER TABLE sums ADD FOREIGN KEY (id) REFERENCES known;"
    await wire.apply(definition)
    await wire.emit({"n": 1}, {"n": 2}, aggregate="x")
    await wire.emit({"id": "x"}, event_type="known.set")
    await wire.emit({"n": 4}, {"n": "many"}, aggregate="x")
    projection = await wire.caught_up("parks")
    assert projection.parked == 3
    errors = await wire.errors("parks", page_size=1)
    assert [one.event.position for one in errors] == [1, 2, 5]
    assert all(one.parked and one.attempts == 1 for one in errors)
    assert errors[0].sqlstate == "23503"
    request = pb.RetryProjectionRequest(name="parks")
    answer = await wire.stub.RetryProjection(request, metadata=wire._metadata)
    assert (answer.succeeded, answer.failed) == (2, 1)
    assert wire.sums("parks") == {"x": (7, 3)}
    (left,) = await wire.errors("parks")
    assert (left.event.position, left.attempts) == (5, 2)
    await wire.stub.SkipProjection(
        pb.SkipProjectionRequest(name="parks", event_id=left.event.event_id),
        metadata=wire._metadata,
    )
    assert not await wire.errors("parks")


@pytest.mark.slow
async def test_parked_events_are_tried_again_in_bounded_pieces_and_the_rest_is_told(
    wire: Projections,
) -> None:
    many = 1_050
    await wire.apply(policy("heap", Definition.ON_FAILURE_PARK))
    await wire.emit({"n": "many"})
    for _ in range(many // 150):
        await wire.emit(*({"n": 1} for _ in range(150)))
    await wire.caught_up("heap")
    # As if all of them had been parked: that takes a window each.
    with psycopg.connect(wire.database_url) as connection:
        connection.execute(
            "INSERT INTO everlog.projection_failures"
            " SELECT tenant_id, name, build, position + n, is_parked, handler, statement, sqlstate,"
            " message, detail, attempts, failed_time, next_attempt_time"
            " FROM everlog.projection_failures, generate_series(1, %s) AS n WHERE name = 'heap'",
            [many],
        )
    request = pb.RetryProjectionRequest(name="heap")
    succeeded = failed = calls = 0
    while True:
        answer = await wire.stub.RetryProjection(request, metadata=wire._metadata)
        calls += 1
        assert 0 < answer.succeeded + answer.failed <= 1_000
        succeeded += answer.succeeded
        failed += answer.failed
        assert answer.left == many + 1 - succeeded - failed
        if not answer.left:
            break
        request.after_position = answer.last_position
    assert (succeeded, failed) == (many, 1)
    assert calls > 1
    assert len(await wire.errors("heap")) == 1


async def test_a_constraint_that_is_checked_at_the_end_blames_the_right_event(
    wire: Projections,
) -> None:
    definition = Definition(
        name="late",
        tables="CREATE TABLE a (id int PRIMARY KEY);"
        "CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED);",
        handlers=[
            handler("b.set", "INSERT INTO b VALUES (%(data)s::text::int)"),
            handler("a.set", "INSERT INTO a VALUES (%(data)s::text::int)"),
        ],
        on_failure=Definition.ON_FAILURE_PARK,
    )
    await wire.emit(1, event_type="a.set")
    await wire.emit(1, 2, 1, event_type="b.set")
    await wire.apply(definition)
    await wire.caught_up("late")
    assert wire.rows("SELECT count(*) FROM late.b") == [(2,)]
    assert [one.event.position for one in await wire.errors("late")] == [3]


async def test_what_cannot_run_says_why_and_goes_on_when_it_is_mended(wire: Projections) -> None:
    await wire.apply(policy("broken", Definition.ON_FAILURE_PARK))
    await wire.emit({"n": 1})
    await wire.caught_up("broken")
    wire.execute("ALTER SCHEMA broken RENAME TO aside")
    await wire.emit({"n": 2}, {"n": 4})
    projection = await wire.wait("broken", lambda one: one.HasField("failure"))
    assert projection.state == pb.Projection.STATE_RETRYING
    assert not projection.failure.HasField("event")
    assert projection.failure.HasField("next_attempt_time")
    assert projection.failure.sqlstate == "55000"
    assert "schema broken is not what it was" in projection.failure.message
    assert (projection.checkpoint, projection.parked) == (1, 0)
    (error,) = await wire.errors("broken", page_size=1)
    assert error == projection.failure
    listed = await wire.stub.ListProjections(pb.ListProjectionsRequest(), metadata=wire._metadata)
    assert [one.failure for one in listed.projections] == [projection.failure]

    wire.execute("ALTER SCHEMA aside RENAME TO broken")
    await wire.stub.ResumeProjection(
        pb.ResumeProjectionRequest(name="broken"), metadata=wire._metadata
    )
    projection = await wire.caught_up("broken")
    assert projection.state == pb.Projection.STATE_RUNNING
    assert not await wire.errors("broken")
    assert wire.sums("broken") == {"1": (7, 3)}

    wire.execute("DROP SCHEMA broken CASCADE")
    await wire.emit({"n": 8})
    await wire.wait("broken", lambda one: one.HasField("failure"))
    await wire.stub.RebuildProjection(
        pb.RebuildProjectionRequest(name="broken"), metadata=wire._metadata
    )
    await wire.wait("broken", lambda one: not one.HasField("rebuild"))
    projection = await wire.caught_up("broken")
    assert projection.state == pb.Projection.STATE_RUNNING
    assert wire.sums("broken") == {"1": (15, 4)}


async def test_somebody_elses_schema_in_the_place_of_a_dropped_one_is_left_alone(
    wire: Projections,
) -> None:
    await wire.apply(sums("occupied"))
    wire.execute("DROP SCHEMA occupied CASCADE; CREATE SCHEMA occupied")
    await wire.stub.RebuildProjection(
        pb.RebuildProjectionRequest(name="occupied"), metadata=wire._metadata
    )
    projection = await wire.wait("occupied", lambda one: bool(one.rebuild.blocked_by))
    assert "schema occupied" in projection.rebuild.blocked_by
    wire.execute("DROP SCHEMA occupied")
    await wire.wait("occupied", lambda one: not one.HasField("rebuild"))
    assert wire.sums("occupied") == {}


async def test_an_operator_that_breaks_the_reading_of_events_parks_none(wire: Projections) -> None:
    definition = policy("shadowed", Definition.ON_FAILURE_PARK)
    definition.tables += """
        CREATE FUNCTION fails(integer, integer) RETURNS integer LANGUAGE plpgsql AS
            'BEGIN RAISE EXCEPTION ''not today''; END';
        CREATE OPERATOR + (LEFTARG = integer, RIGHTARG = integer, FUNCTION = fails);
    """
    await wire.apply(definition)
    await wire.emit({"n": 1}, {"n": 2})
    projection = await wire.wait("shadowed", lambda one: one.failure.attempts == 1)
    assert "not today" in projection.failure.message
    assert not projection.failure.HasField("event")
    assert (projection.checkpoint, projection.parked) == (0, 0)
    await wire.stub.RetryProjection(
        pb.RetryProjectionRequest(name="shadowed"), metadata=wire._metadata
    )
    projection = await wire.wait("shadowed", lambda one: one.failure.attempts == 2)
    assert (projection.checkpoint, projection.parked) == (0, 0)


async def test_it_says_what_an_event_did(wire: Projections) -> None:
    definition = Definition(
        name="told",
        tables="CREATE TABLE t (n int)",
        handlers=[
            handler(
                "n.added",
                "INSERT INTO t SELECT g FROM generate_series(1, %(data.n)s) AS g",
                "SELECT n FROM t WHERE n = 1",
                "UPDATE t SET n = n + 0",
                "DELETE FROM t WHERE n > 1 RETURNING n",
            )
        ],
    )
    await wire.apply(definition)
    first, second = await wire.emit({"n": 3}, {"n": 2})
    await wire.caught_up("told")
    for receipt, rows in ((first, [3, 1, 3, 2]), (second, [2, 2, 3, 1])):
        (effects,) = await wire.effects(receipt.event_id)
        assert effects.effect == Effects.EFFECT_COMMITTED
        assert [one.rows for one in effects.statements] == rows
        assert effects.statements[0].parameters["data.n"] == str(rows[0])
        assert effects.transaction_id > 0
    await refused(
        wire.effects("01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"), with_reason="EVENT_NOT_FOUND"
    )


async def test_a_paused_projection_rests(wire: Projections) -> None:
    await wire.apply(sums("rests"))
    await wire.emit({"n": 1})
    await wire.caught_up("rests")
    request = pb.PauseProjectionRequest(name="rests")
    await wire.stub.PauseProjection(request, metadata=wire._metadata)
    (receipt,) = await wire.emit({"n": 2})
    await asyncio.sleep(0.3)
    projection = await wire.get("rests")
    assert (projection.state, projection.checkpoint) == (pb.Projection.STATE_PAUSED, 1)
    assert (await wire.effects(receipt.event_id))[0].effect == Effects.EFFECT_PENDING
    await wire.stub.ResumeProjection(
        pb.ResumeProjectionRequest(name="rests"), metadata=wire._metadata
    )
    await wire.caught_up("rests")
    assert wire.sums("rests") == {"1": (3, 2)}


async def test_readers_may_read_the_tables_of_each_build(wire: Projections) -> None:
    wire.execute("DROP ROLE IF EXISTS reporter")
    wire.execute("CREATE ROLE reporter")
    await wire.apply(sums("readable", readers=["reporter"]))
    read = "SET ROLE reporter; SELECT count(*) FROM readable.sums"
    wire.execute(read)
    await wire.stub.RebuildProjection(
        pb.RebuildProjectionRequest(name="readable"), metadata=wire._metadata
    )
    await wire.wait("readable", lambda one: not one.HasField("rebuild"))
    wire.execute(read)
    assert (await wire.apply(sums("readable"))).change == Response.CHANGE_UPDATED
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        wire.execute(read)
    error = await refused(
        wire.apply(sums("readable", readers=["nobody_at_all"])), with_reason="PROJECTION_INVALID"
    )
    assert "definition.readers[0]" in (error.details() or "")


async def test_a_schema_belongs_to_one_projection(wire: Projections) -> None:
    wire.execute("CREATE SCHEMA theirs")
    await refused(wire.apply(sums("theirs")), with_reason="PROJECTION_SCHEMA_TAKEN")
    wire.execute("DROP SCHEMA theirs")
    await wire.apply(sums("mine"))
    await refused(wire.apply(sums("other", schema="mine")), with_reason="PROJECTION_SCHEMA_TAKEN")
    await wire.stub.DeleteProjection(
        pb.DeleteProjectionRequest(name="mine", keep_tables=True), metadata=wire._metadata
    )
    assert wire.sums("mine") == {}
    await refused(wire.get("mine"), with_reason="PROJECTION_NOT_FOUND")
    wire.execute("DROP SCHEMA mine CASCADE")


async def test_a_dry_run_changes_nothing(wire: Projections) -> None:
    assert (await wire.apply(sums("dry"), dry_run=True)).change == Response.CHANGE_CREATED
    await refused(wire.get("dry"), with_reason="PROJECTION_NOT_FOUND")
    assert wire.rows("SELECT FROM pg_namespace WHERE nspname = 'dry'") == []
    await wire.apply(sums("dry"))
    same = sums("dry")
    same.filter.SetInParent()  # no filter, said in another way
    assert (await wire.apply(same, dry_run=True)).change == Response.CHANGE_NONE
    other = sums("dry")
    other.tables += "CREATE TABLE more (id int);"
    answer = await wire.apply(other, dry_run=True)
    assert answer.change == Response.CHANGE_WANTS_REBUILD
    assert not (await wire.get("dry")).wants_rebuild


async def test_tenants_do_not_see_each_other(
    wire: Projections, address: str, shared_database_url: str
) -> None:
    await wire.apply(sums("apart"))
    await wire.emit({"n": 1})
    async with projections_at(address, shared_database_url) as other:
        await refused(other.get("apart"), with_reason="PROJECTION_NOT_FOUND")
        listed = await other.stub.ListProjections(pb.ListProjectionsRequest())
        assert "apart" not in [one.definition.name for one in listed.projections]
        (receipt,) = await other.emit({"n": 1000})
        await other.apply(sums("apart", schema="apart_too"))
        await other.caught_up("apart")
        assert other.sums("apart_too")["1"][0] >= 1000
        await wire.caught_up("apart")
        assert wire.sums("apart") == {"1": (1, 1)}
        await refused(wire.effects(receipt.event_id, "apart"), with_reason="EVENT_NOT_FOUND")
        await other.stub.DeleteProjection(pb.DeleteProjectionRequest(name="apart"))


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("tables", {"tables": "CREATE TABLE t (id int); CREATE TABEL x ()"}, "character 33"),
    ("tables", {"tables": "CREATE TABLE t (id nothing)"}, "nothing"),
    ("handlers[0].statements[0]", {"sql": "INSERT INTO nowhere VALUES (1)"}, "(character 13)"),
    ("handlers[0].statements[0]", {"sql": "UPDATE t SET nothing = 1"}, "nothing"),
    (
        "handlers[0].statements[0]",
        {"sql": "UPDATE t SET id = %(data.a)s, nothing = '%%'"},
        "(character 31)",
    ),
    ("handlers[0].statements[0]", {"sql": "DELETE FROM t; DROP TABLE t"}, "second one"),
    ("handlers[0].statements[0]", {"sql": "DROP TABLE t"}, "syntax error"),
    ("handlers[0].statements[0]", {"sql": "COMMIT"}, "syntax error"),
    ("handlers[0].statements[0]", {"sql": "  -- nothing"}, "syntax error"),
    ("handlers[0].statements[0]", {"sql": "SELECT %(dta.a)s"}, "not known"),
    ("handlers[0].statements[0]", {"sql": "SELECT 5 % 2"}, "percent sign"),
    ("handlers[0].statements[0]", {"sql": "SELECT '%(data.a)s'"}, "quotes"),
    ("handlers", {"sql": "SELECT 1 INTO x"}, "not a known variable"),
]


@pytest.mark.parametrize(("field", "given", "expected"), WRONG, ids=lambda one: str(one)[:40])
async def test_wrong_sql_is_refused_where_it_is(
    wire: Projections, field: str, given: dict[str, str], expected: str
) -> None:
    definition = Definition(
        name="wrong",
        tables=given.get("tables", "CREATE TABLE t (id int)"),
        handlers=[handler("n.added", given.get("sql", "INSERT INTO t VALUES (1)"))],
    )
    error = await refused(wire.apply(definition), with_reason="PROJECTION_INVALID")
    assert f"definition.{field}: " in (error.details() or "")
    assert expected in (error.details() or "")
    assert len(reason(error).metadata["sqlstate"]) == 5
    assert wire.rows("SELECT FROM pg_namespace WHERE nspname = 'wrong'") == []
