"""The Python client, the synchronous one and the commands against a real AggregateService."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import everlog
from everlog import AggregateKey, Event, Filter
from tests.servers import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

ONE = AggregateKey("order", "1")


async def run(server: Server, *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "everlog_server",
            *arguments,
            "--url",
            f"everlog://{server.address}",
        ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def fill(client: everlog.Client) -> list[everlog.Receipt]:
    return await client.emit_many(
        [
            Event("order.created", aggregate=ONE, data={"n": 1, "by": {"a": 1}}, actor="user:ann"),
            Event("order.created", aggregate=("order", "2"), data={"n": 2}),
            Event("order.paid", aggregate=ONE, data={"by": {"b": 2}, "big": 2**60 + 1}),
            Event("cart.made", aggregate=("cart", "\x1b[1m"), data=None),
        ]
    )


async def test_the_client_tells_states_aggregates_counts_and_statistics(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        serving(database_url, tmp_path) as server,
        everlog.connect(f"everlog://{server.address}") as client,
    ):
        receipts = await fill(client)
        now = await client.state(ONE)
        assert now.data == {"n": 1, "by": {"a": 1, "b": 2}, "big": 2**60 + 1}
        assert (now.events_replayed, now.last_sequence, now.last_position) == (2, 2, 3)
        assert (now.last_event_type, now.aggregate_type_version) == ("order.paid", 0)
        assert now.last_record_time == receipts[2].record_time
        assert timedelta(0) < now.duration < timedelta(seconds=10)
        assert (await client.state(ONE, through_sequence=1)).data == {"n": 1, "by": {"a": 1}}
        past = datetime(2020, 1, 1, tzinfo=UTC)
        before = await client.state(ONE, through_time=past)
        assert (before.data, before.last_record_time) == ({}, None)
        with pytest.raises(everlog.AggregateNotFound):
            await client.state(("order", "3"))
        with pytest.raises(ValueError, match="at most one"):
            await client.state(ONE, through_sequence=1, through_time=past)

        listed = [one.aggregate async for one in client.aggregates()]
        assert listed == [("cart", "\x1b[1m"), ONE, ("order", "2")]
        named = [one async for one in client.aggregates("order", order="name", page_size=1)]
        assert [(one.aggregate, one.last_sequence) for one in named] == [
            (ONE, 2),
            (("order", "2"), 1),
        ]
        assert named[0].first_record_time == receipts[0].record_time
        assert [one.aggregate async for one in client.aggregates(limit=1)] == listed[:1]
        assert [one async for one in client.aggregates(active_before=past)] == []
        assert len([one async for one in client.aggregates(active_from=past)]) == 3

        counts = await client.count(Filter(event_types=["order.*"]), by="event_type")
        assert (counts.total, counts.groups) == (3, {"order.created": 2, "order.paid": 1})
        assert (counts.truncated, counts.through_position) == (False, 4)
        assert (await client.count()).total == 4
        with pytest.raises(ValueError, match="expected one of"):
            await client.count(by="month")  # type: ignore[arg-type]
        latest = await client.latest(Filter(aggregate_types=["order"]), max_events=2)
        assert [event.position for event in latest] == [3, 2]
        statistics = await client.statistics(busiest_max=1)
        assert statistics.head_position == statistics.events_examined == 4
        assert statistics.busiest_aggregates == {ONE: 2}
        assert statistics.activity[0].span == timedelta(minutes=1)

        def in_a_thread() -> None:
            with everlog.connect_sync(f"everlog://{server.address}") as blocking:
                assert blocking.state(ONE).data == now.data
                assert [one.aggregate for one in blocking.aggregates()] == listed
                assert blocking.count().total == 4
                assert len(blocking.latest()) == 4
                assert blocking.statistics().aggregates_active == 3

        await asyncio.to_thread(in_a_thread)


async def test_the_commands_show_them(database_url: str, tmp_path: Path) -> None:
    async with serving(database_url, tmp_path) as server:
        code, out, _ = await run(server, "stats")
        assert (code, out.split()) == (0, ["events", "none:", "the", "log", "is", "empty"])
        async with everlog.connect(f"everlog://{server.address}") as client:
            await fill(client)

        code, out, err = await run(server, "state", "order/1")
        assert (code, out) == (0, '{"n":1,"by":{"a":1,"b":2},"big":1152921504606846977}\n')
        assert err.startswith("everlog: order/1#2, after order.paid of 20")
        code, out, _ = await run(server, "state", "order/1", "--at-sequence", "1", "--json")
        told = json.loads(out)
        assert (told["state"], told["last_sequence"]) == ({"n": 1, "by": {"a": 1}}, 1)
        code, out, err = await run(server, "state", "order/1", "--at-time", "2020-01-01")
        assert (code, out, err) == (0, "{}\n", "everlog: order/1 had no events then\n")
        code, out, err = await run(server, "state", "order/9")
        assert (code, out) == (4, "")
        assert err == "everlog: AGGREGATE_NOT_FOUND: aggregate order/9 has no events\n"
        both = ("--at-sequence", "1", "--at-time", "now")
        assert (await run(server, "state", "order/1", *both))[0] == 2

        code, out, _ = await run(server, "aggregates")
        assert [line.split("  ")[:3] for line in out.splitlines()] == [
            ["cart/\\x1b[1m", "1", "cart.made"],
            ["order/1", "2", "order.paid"],
            ["order/2", "1", "order.created"],
        ]
        code, out, _ = await run(server, "aggregates", "--type", "order", "--by-name", "--json")
        assert [json.loads(line)["last_sequence"] for line in out.splitlines()] == [2, 1]
        assert (await run(server, "aggregates", "--prefix", "x"))[0] == 2

        assert (await run(server, "count"))[:2] == (0, "4\n")
        code, out, err = await run(server, "count", "--by", "actor", "--type", "order.*")
        assert (out, err) == ("2  -\n1  user:ann\n", "everlog: 3 events in all\n")
        code, out, _ = await run(server, "count", "--by", "aggregate-type", "--json")
        assert json.loads(out) == {
            "total": 4,
            "through_position": 4,
            "counts": {"order": 3, "cart": 1},
            "truncated": False,
        }
        code, out, _ = await run(server, "latest", "--limit", "1", "--aggregate", "order/1")
        assert out.split()[0] == "3"
        code, out, _ = await run(server, "stats", "--json")
        assert json.loads(out)["busiest_types"] == {
            "order.created": 2,
            "cart.made": 1,
            "order.paid": 1,
        }
        code, out, _ = await run(server, "stats", "--busiest", "1")
        assert out.splitlines()[-1] == "2  order/1"
