"""What is refused of requests for projections, and by whom: each field has its cases."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.protobuf import json_format

from everlog.v1 import projections_pb2 as pb
from tests.integration.test_projections import reason, refused
from tests.projections import Projections, projections_at, sums
from tests.servers import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from everlog_server.storage.embedded import EmbeddedPostgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

Definition = pb.ProjectionDefinition
EVENT_ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"


@pytest.fixture(scope="module")
def shared_database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    url = postgres.dsn.replace("/everlog?", "/projection_requests?")
    admin = postgres.dsn.replace("/everlog?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE projection_requests TEMPLATE {template_database}".encode()
        )
        yield url
        connection.execute(b"DROP DATABASE projection_requests WITH (FORCE)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Projections]:
    """One server for all: what is refused changes nothing."""
    folder = tmp_path_factory.mktemp("projection_requests")
    async with (
        serving(shared_database_url, folder, "--no-projections-run") as server,
        projections_at(server.address, shared_database_url) as found,
    ):
        yield found


def _texts(limit: int, *, may_be_empty: bool = False) -> list[str]:
    """Too long by a byte, and what PostgreSQL can't hold."""
    wrong = ["a" * (limit + 1), "é" * (limit // 2) + "é", "with \0"]
    return wrong if may_be_empty else ["", *wrong]


def _of_definition() -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: C901  a list
    """The field that a violation names, and what of a definition is otherwise."""
    for text in _texts(255):
        yield "name", {"name": text, "schema": "ok"}
    schemas = ("Upper", "1st", "a-b", 'a"b', "a b", "é", "a" * 41)
    taken = ("public", "information_schema", "everlog", "everlog_x", "pg_catalog", "pg_x")
    for text in (*schemas, *taken):
        yield "schema", {"schema": text}
    yield "schema", {"name": "Not a schema"}
    for text in _texts(256 * 1024, may_be_empty=True):
        yield "tables", {"tables": text}
    one = {"eventTypes": ["n.added"], "statements": ["SELECT 1"]}
    yield "handlers", {"handlers": []}
    yield "handlers", {"handlers": [one] * 201}
    types: list[tuple[str, list[str]]] = [("event_types", []), ("event_types", ["n.a"] * 101)]
    types += [("event_types[1]", ["n.a", text]) for text in _texts(255)]
    types += [("event_types[0]", [text]) for text in ("*", ".*", "n*", "n.*.b", "*.a")]
    for field, names in types:
        yield f"handlers[1].{field}", {"handlers": [one, one | {"eventTypes": names}]}
    statements: list[tuple[str, list[str]]] = [
        ("statements", []),
        ("statements", ["SELECT 1"] * 21),
    ]
    statements += [("statements[1]", ["SELECT 1", text]) for text in _texts(64 * 1024)]
    for field, texts in statements:
        yield f"handlers[1].{field}", {"handlers": [one, one | {"statements": texts}]}
    yield "on_failure", {"onFailure": 99}
    for number in (-1, 1_000_001):
        yield "attempts_max", {"attemptsMax": number}
    for duration in ("0s", "-1s", "0.0009s", "86401s"):
        yield "backoff.initial", {"backoff": {"initial": duration}}
    for number in (-1, 0.5, 10.5, "NaN", "Infinity"):
        yield "backoff.multiplier", {"backoff": {"multiplier": number}}
    for duration in ("0s", "0.5s", "-1s", "604801s"):
        yield "backoff.max", {"backoff": {"initial": "1s", "max": duration}}
    for number in (-0.1, 1.1, "NaN"):
        yield "backoff.jitter", {"backoff": {"jitter": number}}
    yield "readers", {"readers": ["a"] * 101}
    for text in _texts(63):
        yield "readers[1]", {"readers": ["a", text]}


@pytest.mark.parametrize(
    ("field", "given"), list(_of_definition()), ids=lambda one: str(one)[:40].replace("\0", "0")
)
async def test_a_field_of_a_definition_is_refused_by_its_name(
    wire: Projections, field: str, given: dict[str, Any]
) -> None:
    base = {
        "name": "wrong",
        "handlers": [{"eventTypes": ["n.added"], "statements": ["SELECT 1"]}],
    }
    definition = json_format.ParseDict(base | given, Definition())
    error = await refused(wire.apply(definition), with_reason="INVALID_REQUEST")
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert f"definition.{field}: " in (error.details() or "")


async def test_a_filter_of_a_definition_is_refused_by_its_field(wire: Projections) -> None:
    definition = sums("wrong")
    definition.filter.data_contains = "{"
    error = await refused(wire.apply(definition), with_reason="INVALID_FILTER")
    assert "filter.data_contains" in (error.details() or "")


NAMED: list[tuple[str, Callable[[str], Any]]] = [
    ("GetProjection", lambda name: pb.GetProjectionRequest(name=name)),
    ("PauseProjection", lambda name: pb.PauseProjectionRequest(name=name)),
    ("ResumeProjection", lambda name: pb.ResumeProjectionRequest(name=name)),
    ("RebuildProjection", lambda name: pb.RebuildProjectionRequest(name=name)),
    ("DeleteProjection", lambda name: pb.DeleteProjectionRequest(name=name)),
    ("ListProjectionErrors", lambda name: pb.ListProjectionErrorsRequest(name=name)),
    ("RetryProjection", lambda name: pb.RetryProjectionRequest(name=name)),
    ("SkipProjection", lambda name: pb.SkipProjectionRequest(name=name, event_id=EVENT_ID)),
    (
        "GetProjectionEffects",
        lambda name: pb.GetProjectionEffectsRequest(name=name, event_id=EVENT_ID),
    ),
]


@pytest.mark.parametrize(("method", "request_of"), NAMED, ids=[method for method, _ in NAMED])
async def test_a_name_is_checked_and_then_looked_up(
    wire: Projections, method: str, request_of: Callable[[str], Any]
) -> None:
    call = getattr(wire.stub, method)
    # Effects of no name in particular are those of all.
    for name in _texts(255, may_be_empty=method == "GetProjectionEffects"):
        error = await refused(call(request_of(name)), with_reason="INVALID_REQUEST")
        assert "name: " in (error.details() or "")
    await refused(call(request_of("nobody's")), with_reason="PROJECTION_NOT_FOUND")


OTHERS: list[tuple[str, str, Any]] = [
    *(
        ("RetryProjection", "event_id", pb.RetryProjectionRequest(name="here", event_id=text))
        for text in ("no-uuid", EVENT_ID + "0")
    ),
    *(
        (
            "RetryProjection",
            "after_position",
            pb.RetryProjectionRequest(name="here", after_position=after, event_id=text),
        )
        for after, text in ((-1, ""), (1, EVENT_ID))
    ),
    *(
        ("SkipProjection", "event_id", pb.SkipProjectionRequest(name="here", event_id=text))
        for text in ("", "no-uuid")
    ),
    *(
        ("GetProjectionEffects", "event_id", pb.GetProjectionEffectsRequest(event_id=text))
        for text in ("", "no-uuid")
    ),
    *(
        ("ListProjections", "page_size", pb.ListProjectionsRequest(page_size=size))
        for size in (-1, 1001)
    ),
    *(
        (
            "ListProjectionErrors",
            "page_size",
            pb.ListProjectionErrorsRequest(name="here", page_size=size),
        )
        for size in (-1, 1001)
    ),
    ("ListProjections", "page_token", pb.ListProjectionsRequest(page_token="mine")),
    (
        "ListProjectionErrors",
        "page_token",
        pb.ListProjectionErrorsRequest(name="here", page_token="mine"),
    ),
]


@pytest.mark.parametrize(
    ("method", "field", "request_"),
    OTHERS,
    ids=[f"{method}.{field}" for method, field, _ in OTHERS],
)
async def test_other_fields_are_refused_by_their_names(
    wire: Projections, method: str, field: str, request_: Any
) -> None:
    await wire.apply(sums("here"))
    reason = "PAGE_TOKEN_INVALID" if field == "page_token" else "INVALID_REQUEST"
    error = await refused(getattr(wire.stub, method)(request_), with_reason=reason)
    assert field in (error.details() or "")


async def test_beyond_loopback_definitions_are_taken_only_when_told_so(
    shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def calls(wire: Projections) -> Iterator[Any]:
        yield wire.apply(sums("open"))
        yield wire.apply(sums("open"), dry_run=True)
        yield wire.stub.RebuildProjection(pb.RebuildProjectionRequest(name="open"))
        yield wire.stub.RebuildProjection(pb.RebuildProjectionRequest(name="open", cancel=True))
        yield wire.stub.DeleteProjection(pb.DeleteProjectionRequest(name="open"))

    folder = tmp_path_factory.mktemp("beyond_loopback")
    beyond = ("--host", "0.0.0.0", "--insecure", "--no-projections-run")  # noqa: S104  it is what is tested
    told = ("--projections-accept-definitions",)
    for flags in (beyond, (*beyond, *told), ("--no-projections-accept-definitions",)):
        async with (
            serving(shared_database_url, folder, *flags) as server,
            projections_at(server.address, shared_database_url) as wire,
        ):
            for call in calls(wire):
                if flags[-1:] == told:
                    await call
                    continue
                error = await refused(call, with_reason="PERMISSION_DENIED")
                assert error.code() == grpc.StatusCode.PERMISSION_DENIED
                assert "projections.accept_definitions" in (error.details() or "")
            # Who may only look, may look.
            await wire.stub.ListProjections(pb.ListProjectionsRequest())


async def test_who_loses_the_database_while_it_judges_blames_no_definition(
    wire: Projections,
) -> None:
    """PostgreSQL goes away within a PREPARE: that says nothing of the statement."""
    definition = sums("judged")
    definition.handlers[0].statements.append(
        "INSERT INTO trail (position) SELECT count(*) FROM everlog.events"
    )
    with psycopg.connect(wire.database_url) as holder:
        holder.execute("LOCK TABLE everlog.events IN ACCESS EXCLUSIVE MODE")
        applying = asyncio.create_task(wire.apply(definition, dry_run=True))
        async with asyncio.timeout(20):
            while not wire.rows(  # noqa: ASYNC110  nobody tells
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'PREPARE everlog_statement%' AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.01)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await applying
    assert reason(caught.value).reason == "STORAGE_UNAVAILABLE"
    await wire.apply(definition, dry_run=True)
