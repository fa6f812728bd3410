"""The commands as a person runs them, against a scripted server."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import grpc
import pytest

from everlog import MUST_EXIST, MUST_NOT_EXIST
from everlog.v1 import event_store_pb2
from everlog_server.cli.get import get
from everlog_server.cli.parameters import AGGREGATE, EXPECTATION, JSON, PAIR, TIME
from tests.clients.scripted_server import answer, events, fail, scripted, status


async def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    process = await started(*arguments)
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), timeout=60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "everlog_server", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def all_well(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    async for message in messages:
        answers = [answer(emit, position=emit.request_id) for emit in message.emits]
        yield event_store_pb2.EmitStreamResponse(answers=answers)


async def odd_ones_are_refused(messages: AsyncIterator[Any], _context: Any) -> AsyncIterator[Any]:
    async for message in messages:
        for emit in message.emits:
            if json.loads(emit.request.events[0].json) % 2:
                given = status(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_EVENT", message="odd")
                refusal = event_store_pb2.StreamedAnswer(request_id=emit.request_id, status=given)
                yield event_store_pb2.EmitStreamResponse(answers=[refusal])
            else:
                answers = [answer(emit, position=emit.request_id)]
                yield event_store_pb2.EmitStreamResponse(answers=answers)


async def test_emit_sends_what_the_flags_say() -> None:
    flags = "--key k --actor user:ann --meta a=b=c --goal sell --related x --expect new"
    async with scripted(EmitStream=[all_well]) as server:
        code, out, _ = await run(
            *("emit", "order.created", "--aggregate", "order/4/2", "--data", '{"n": 1.00}'),
            *(*flags.split(), "--expect", "cart/1=7", "--not-documentable"),
            *("--occurred", "2026-01-01T00:00:00Z", "--json", "--url", server.address),
        )
    assert (code, json.loads(out)["position"]) == (0, 1)
    request = server.requests[0].emits[0].request
    [event] = request.events
    assert (event.aggregate_type, event.aggregate_id) == ("order", "4/2")
    assert (event.json, event.metadata["a"]) == ('{"n": 1.00}', "b=c")
    assert (event.idempotency_key, event.actor, event.intent.goal) == ("k", "user:ann", "sell")
    assert (event.context.related_event_ids, event.documentable) == (["x"], False)
    assert event.HasField("documentable")
    assert event.occurred_time.ToDatetime(UTC) == datetime(2026, 1, 1, tzinfo=UTC)
    first, second = request.expected_sequences
    assert (first.aggregate.aggregate_type, first.WhichOneof("expected")) == (
        "order",
        "must_not_exist",
    )
    assert (second.aggregate.aggregate_type, second.exactly) == ("cart", 7)


async def test_emit_tells_refused_lines_by_their_number_and_stores_the_others() -> None:
    lines = [f'{{"event_type": "a.b", "source": "s", "data": {n}}}' for n in range(4)]
    async with scripted(EmitStream=[odd_ones_are_refused]) as server:
        code, out, err = await run(
            *("emit", "-", "--json", "--url", server.address),
            stdin="\n".join((lines[0], "", lines[1], "no json", lines[2], lines[3])),
        )
    assert code == 3
    assert [json.loads(line)["line"] for line in out.splitlines()] == [1, 5]
    told = err.splitlines()
    assert any(line.startswith("everlog: line 4: not JSON") for line in told)
    assert "everlog: line 3: INVALID_EVENT: odd" in told
    assert "everlog: line 6: INVALID_EVENT: odd" in told
    assert told[-1] == "everlog: 2 stored, 0 already there, 3 refused"


async def test_emit_stops_when_every_line_would_be_refused() -> None:
    async def no_tenant(_messages: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        await fail(context, status(grpc.StatusCode.NOT_FOUND, "TENANT_NOT_FOUND", message="no"))
        yield

    async with scripted(EmitStream=[no_tenant]) as server:
        lines = '{"event_type": "a.b", "source": "s"}\n' * 1_000
        code, _, err = await run("emit", "-", "--url", server.address, stdin=lines)
    assert code == 4
    assert err.splitlines() == [
        "everlog: 0 stored, 0 already there, 0 refused",
        "everlog: TENANT_NOT_FOUND: no",
    ]


async def test_subscribe_survives_an_interruption_and_ends_quietly_at_ctrl_c() -> None:
    async def interrupted(_request: Any, context: Any) -> AsyncIterator[Any]:
        yield event_store_pb2.SubscribeResponse(events=events(1, 2), examined_position=2)
        await fail(context, status(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", message="bye"))

    async def rest(request: Any, _context: Any) -> AsyncIterator[Any]:
        position = request.after_position + 1
        yield event_store_pb2.SubscribeResponse(events=events(position), examined_position=position)
        await asyncio.Event().wait()

    async def head(_request: Any, _context: Any) -> Any:
        return event_store_pb2.GetHeadResponse(position=2)

    async with scripted(Subscribe=[interrupted, rest], GetHead=[head]) as server:
        process = await started("subscribe", "--after", "0", "--json", "--url", server.address)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            lines = [await process.stdout.readline() for _ in range(3)]
            process.send_signal(signal.SIGINT)
            out, err = await process.communicate()
    assert [json.loads(line)["position"] for line in lines] == [1, 2, 3]
    assert (process.returncode, out) == (0, b"")
    assert err.decode().splitlines() == [
        "everlog: interrupted, will go on: SERVER_DRAINING: bye",
        "everlog: goes on at position 3",
    ]


async def test_query_passes_every_flag_of_the_filter_on() -> None:
    async def nothing(_request: Any, _context: Any) -> Any:
        return event_store_pb2.QueryResponse()

    flags = (
        "--type a.* --type c.d --aggregate order/42 --aggregate-type x --source s --correlation co"
        " --causation ca --actor ac --user us --documentable --meta k=v --contains 1 --keyword kw"
        " --from 2026-01-01T00:00:00Z --before 2026-01-02T00:00:00Z"
        " --occurred-from 2026-01-03T00:00:00Z --occurred-before 2026-01-04T00:00:00Z"
    )
    async with scripted(Query=[nothing]) as server:
        code, out, _ = await run("query", *flags.split(), "--url", server.address)
    assert (code, out) == (0, "")
    asked = server.requests[0].filter
    assert {field.name for field, _ in asked.ListFields()} == {
        field.name for field in asked.DESCRIPTOR.fields
    }
    assert (asked.event_types, asked.aggregate.aggregate_id) == (["a.*", "c.d"], "42")
    assert (asked.data_contains, asked.metadata["k"]) == ("1", "v")
    days = (
        asked.recorded_from,
        asked.recorded_before,
        asked.occurred_from,
        asked.occurred_before,
    )
    assert [day.ToDatetime(UTC).day for day in days] == [1, 2, 3, 4]


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    code, out, err = await run("status", "--url", "127.0.0.1:9")
    assert (code, out) == (5, "")
    assert err.startswith("everlog: UNAVAILABLE: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("emit", "order.created"),
        ("emit", "-", "--key", "k"),
        ("emit", "a.b", "--source", "s", "--data", "{"),
        ("emit", "a.b", "--source", "s", "--expect", "soon"),
        ("get", "order/42"),
        ("replay", "--after-sequence", "1"),
        ("query", "--from", "yesterday"),
        ("status", "--url", "http://example.org"),
    ],
)
async def test_wrong_usage_exits_with_2_before_anything_is_asked(arguments: tuple[str]) -> None:
    code, out, err = await run(*arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err


def test_expectations_are_of_the_events_own_aggregate_or_of_a_named_one() -> None:
    assert EXPECTATION.convert("new", None, None) == (None, MUST_NOT_EXIST)
    assert EXPECTATION.convert("order/a=b=3", None, None) == (("order", "a=b"), 3)
    assert EXPECTATION.convert("order/42=exists", None, None) == (("order", "42"), MUST_EXIST)


def test_times_are_dates_moments_or_how_long_ago() -> None:
    moment = TIME.convert("2026-03-01T12:30:00+02:00", None, None)
    assert moment == datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
    assert TIME.convert("2026-03-01", None, None).tzinfo is not None
    now = datetime.now(UTC)
    assert abs(now - TIME.convert("15m", None, None) - timedelta(minutes=15)) < timedelta(minutes=1)
    for wrong in ("15 parsecs", "", "tomorrow"):
        with pytest.raises(click.BadParameter):
            TIME.convert(wrong, None, None)


def test_what_is_no_pair_aggregate_or_json_is_refused() -> None:
    for kind, wrong in ((PAIR, "a"), (PAIR, "=b"), (AGGREGATE, "order"), (JSON, "{")):
        with pytest.raises(click.BadParameter):
            kind.convert(wrong, None, None)
    assert PAIR.convert("a=b=c", None, None) == ("a", "b=c")


def test_help_needs_no_server() -> None:
    assert "order/42#7" in get.get_help(click.Context(get))
