"""What a scrape says, of a server that has really done what the test says it did."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
import yaml
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from prometheus_client.parser import text_string_to_metric_families

from everlog.v1 import event_pb2, projections_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.metrics import MetricsServer
from everlog_server.metrics.source import gauge
from everlog_server.settings import MetricsSettings
from tests.members import acked, client_for, nacked, released
from tests.projections import projections_at, sums
from tests.servers import Server, free_port, serving, stub_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from prometheus_client import Metric

    from everlog.v1.event_store_pb2_grpc import EventStoreServiceStub

STORE = "everlog.v1.EventStoreService"
SECONDS = 20


class Scrape(dict[str, float]):
    """Samples by `name{label="value",…}`, labels in the order of their names."""

    def sum_of(self, name: str) -> float:
        """Of a name's samples, whatever their labels."""
        return sum(value for key, value in self.items() if key.partition("{")[0] == name)


async def scrape(port: int) -> Scrape:
    def get() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
            text: bytes = answer.read()
        return text.decode()

    found = Scrape()
    for family in text_string_to_metric_families(await asyncio.to_thread(get)):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def scrape_until(port: int, holds: Callable[[Scrape], bool]) -> Scrape:
    async with asyncio.timeout(SECONDS):
        while not holds(found := await scrape(port)):  # noqa: ASYNC110  another process
            await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def measured_server(
    database_url: str, folder: Path, *flags: str
) -> AsyncIterator[tuple[Server, int]]:
    port = free_port()
    async with serving(database_url, folder, "--metrics-port", str(port), *flags) as server:
        yield server, port


@asynccontextmanager
async def measured(
    database_url: str, folder: Path, *flags: str
) -> AsyncIterator[tuple[EventStoreServiceStub, int]]:
    async with (
        measured_server(database_url, folder, *flags) as (server, port),
        stub_for(server.address) as stub,
    ):
        yield stub, port


def emit(aggregate_id: str = "1", key: str = "", *, is_new: bool = False) -> pb.EmitRequest:
    aggregate = event_pb2.AggregateKey(aggregate_type="order", aggregate_id=aggregate_id)
    event = event_pb2.NewEvent(
        aggregate_type="order",
        aggregate_id=aggregate_id,
        event_type="order.made",
        json="{}",
        idempotency_key=key,
    )
    expected = pb.ExpectedSequence(aggregate=aggregate, must_not_exist={})
    return pb.EmitRequest(events=[event], expected_sequences=[expected] if is_new else [])


async def test_a_scrape_says_what_was_appended_and_refused(
    database_url: str, tmp_path: Path
) -> None:
    async with measured(database_url, tmp_path) as (stub, port):
        await stub.Emit(emit("1", "a"))
        await stub.Emit(emit("1", "a"))  # known
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Emit(emit("1", is_new=True))
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Emit(pb.EmitRequest())
        stream = stub.EmitStream()
        for number, request in enumerate((emit("2"), emit("1", is_new=True)), 1):
            streamed = pb.StreamedEmit(request_id=number, request=request)
            await stream.write(pb.EmitStreamRequest(emits=[streamed]))
        await stream.done_writing()
        assert len([answer async for each in stream for answer in each.answers]) == 2
        found = await scrape_until(
            port, lambda seen: seen[f'everlog_calls_running{{method="{STORE}/EmitStream"}}'] == 0
        )

    calls = {key: value for key, value in found.items() if key.startswith("everlog_calls_total")}
    emits = f'method="{STORE}/Emit"'
    assert calls == {
        f'everlog_calls_total{{code="OK",{emits},reason=""}}': 2,
        f'everlog_calls_total{{code="ABORTED",{emits},reason="SEQUENCE_CONFLICT"}}': 1,
        f'everlog_calls_total{{code="INVALID_ARGUMENT",{emits},reason="INVALID_REQUEST"}}': 1,
        f'everlog_calls_total{{code="OK",method="{STORE}/EmitStream",reason=""}}': 1,
    }
    assert found[f"everlog_call_seconds_count{{{emits}}}"] == 4
    assert found[f"everlog_received_bytes_total{{{emits}}}"] == sum(
        request.ByteSize()
        for request in (emit("1", "a"), emit("1", "a"), emit("1", is_new=True), pb.EmitRequest())
    )
    assert found[f'everlog_sent_bytes_total{{method="{STORE}/EmitStream"}}'] > 0
    assert found['everlog_streamed_emits_total{code="OK",reason=""}'] == 1
    refused = 'code="ABORTED",reason="SEQUENCE_CONFLICT"'
    assert found[f"everlog_streamed_emits_total{{{refused}}}"] == 1
    assert found["everlog_emits_total"] == 3
    assert found["everlog_appended_events_total"] == 2
    assert found["everlog_deduplicated_events_total"] == 1
    assert found['everlog_emits_refused_total{reason="SEQUENCE_CONFLICT"}'] == 2
    assert found["everlog_append_batch_events_sum"] == 2
    assert found["everlog_append_commit_seconds_count"] == 2
    assert found["everlog_append_commit_seconds_sum"] > 0
    assert found["everlog_append_queue_emits"] == 0
    assert found["everlog_append_connections"] == 1
    assert found['everlog_head_position{tenant="default"}'] == 2
    assert found['everlog_postgres_round_trip_seconds_count{purpose="append"}'] >= 3
    assert found["everlog_uptime_seconds"] > 0
    assert found.sum_of("everlog_build_info") == 1
    assert found.sum_of("everlog_metrics_failures_total") == 0


async def test_a_scrape_says_who_follows_and_from_where_they_read(
    database_url: str, tmp_path: Path
) -> None:
    async with measured(database_url, tmp_path) as (stub, port):
        await stub.Emit(emit("1"))
        from_start = stub.Subscribe(pb.SubscribeRequest(after_position=0))
        assert (await from_start.read()).events[0].position == 1
        assert (await from_start.read()).HasField("caught_up")
        live = stub.Subscribe(pb.SubscribeRequest(from_now={}))
        assert (await live.read()).HasField("caught_up")
        await stub.Emit(emit("2"))
        for subscription in (from_start, live):
            assert (await subscription.read()).events[0].position == 2
        found = await scrape(port)
        assert found['everlog_subscriptions{state="live"}'] == 2
        assert found["everlog_subscription_lag_events_max"] == 0
        assert found['everlog_subscription_reads_total{source="table"}'] == 1
        assert found['everlog_subscription_reads_total{source="ring"}'] == 1
        assert found['everlog_subscription_reads_total{source="ring_shared"}'] == 1
        assert found["everlog_ring_bytes"] > 0
        assert found[f'everlog_calls_running{{method="{STORE}/Subscribe"}}'] == 2

        from_start.cancel()
        live.cancel()
        ended = f'everlog_calls_total{{code="CANCELLED",method="{STORE}/Subscribe",reason=""}}'
        found = await scrape_until(port, lambda seen: seen.get(ended) == 2)
        assert found['everlog_subscriptions{state="live"}'] == 0
        assert found[f'everlog_calls_running{{method="{STORE}/Subscribe"}}'] == 0


async def test_a_read_is_one_use_and_one_round_trip(database_url: str, tmp_path: Path) -> None:
    async with measured(database_url, tmp_path) as (stub, port):
        await stub.GetHead(pb.GetHeadRequest())  # the tenant's name is resolved once
        before = await scrape(port)
        await stub.GetHead(pb.GetHeadRequest())
        after = await scrape(port)
    for name in (
        'everlog_pool_uses_total{pool="reads"}',
        'everlog_postgres_round_trip_seconds_count{purpose="reads"}',
    ):
        assert after[name] - before[name] == 1, name


async def test_a_scrape_says_what_members_do_and_where_their_consumers_stand(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        measured_server(database_url, tmp_path) as (server, port),
        client_for(server.address) as client,
    ):
        for name in ("orders", "items"):
            await client.create(
                name, attempts_max=2, backoff={"initial": Duration(nanos=1_000_000)}
            )
        await client.emit("order/1", "order/2", "order/3", "order/4")
        async with client.member("orders") as member:
            first, second, third, _ = await member.take(4)
            await member.answer(
                acked(first), acked(first), nacked(second, park=Empty()), released(third)
            )
            for _ in range(4):
                await member.settled()
            await member.next()
            labels = '{consumer="orders",tenant="default"}'
            found = await scrape_until(
                port, lambda seen: f"everlog_consumer_lag_events{labels}" in seen
            )
            totals = {
                "delivered": 5,
                "acked": 1,
                "failed": 1,
                "parked": 1,
                "released": 1,
                "refused": 1,
            }
            for total, number in totals.items():
                assert found[f"everlog_consumers_{total}_total"] == number, total
            assert found["everlog_consumers_flush_seconds_count"] >= 1
            assert found[f"everlog_consumer_members{labels}"] == 1
            assert found[f"everlog_consumer_in_flight_events{labels}"] == 2
            assert found[f"everlog_consumer_retrying_events{labels}"] == 0
            await member.cancel()
            await scrape_until(port, lambda seen: f"everlog_consumer_members{labels}" not in seen)
        async with client.member("orders") as member:  # asked when it has members again
            await member.take(2)
            found = await scrape_until(
                port, lambda seen: seen.get(f"everlog_consumer_parked_events{labels}") == 1
            )
            # Those that wait for their next attempt hold back no checkpoint.
            assert found[f"everlog_consumer_retrying_events{labels}"] == 2
            assert found[f"everlog_consumer_lag_events{labels}"] == 0
        assert not any('consumer="items"' in key for key in found)  # it has none here
        assert found.sum_of("everlog_metrics_failures_total") == 0


_METRIC = re.compile(r"\b((?:everlog|process)_\w+)(?:\{([^}]*)\})?")
_OBSERVABILITY = Path(__file__).parents[2] / "docs" / "observability"


def dashboard() -> Iterator[str]:
    board = json.loads((_OBSERVABILITY / "everlog-dashboard.json").read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in board["templating"]["list"]:
        yield variable["query"]


def alerts() -> Iterator[str]:
    rules = yaml.safe_load((_OBSERVABILITY / "everlog-alerts.yaml").read_text())
    for group in rules["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


async def test_a_scrape_says_where_projections_are(database_url: str, tmp_path: Path) -> None:
    metrics_port = free_port()
    async with (
        serving(database_url, tmp_path, "--metrics-port", str(metrics_port)) as server,
        projections_at(server.address, database_url) as wire,
    ):
        await wire.apply(sums())
        await wire.emit({"n": 1}, {"n": 2}, {"n": "many"}, {"n": 4})
        of_it = 'projection="sums"'
        tenant = 'tenant="default"'
        found = await scrape_until(
            metrics_port,
            lambda seen: (
                seen.get(f'everlog_projection_state{{{of_it},state="stopped",{tenant}}}') == 1
            ),
        )
        assert found[f'everlog_projection_state{{{of_it},state="running",{tenant}}}'] == 0
        assert found[f"everlog_projection_checkpoint{{{of_it},{tenant}}}"] == 2
        assert found[f"everlog_projection_lag_events{{{of_it},{tenant}}}"] == 2
        assert found[f"everlog_projection_events_total{{{of_it},{tenant}}}"] == 2
        assert found[f"everlog_projection_failed_windows_total{{{of_it},{tenant}}}"] >= 1
        assert found["everlog_projection_lag_events_max"] == 2
        # A paused one rests, and so does its rebuild.
        await wire.stub.PauseProjection(projections_pb2.PauseProjectionRequest(name="sums"))
        await wire.stub.RebuildProjection(projections_pb2.RebuildProjectionRequest(name="sums"))
        place = f"everlog_projection_rebuild_position{{{of_it},{tenant}}}"
        found = await scrape_until(metrics_port, lambda seen: seen.get(place) == 0)
        assert found[f'everlog_projection_state{{{of_it},state="paused",{tenant}}}'] == 1
        assert found.sum_of("everlog_metrics_failures_total") == 0


async def test_the_dashboard_and_the_alerts_name_what_a_scrape_has(
    database_url: str, tmp_path: Path
) -> None:
    async with (
        measured_server(database_url, tmp_path) as (server, port),
        client_for(server.address) as client,
        projections_at(server.address, database_url) as wire,
    ):
        await client.create("orders")
        await wire.apply(sums())
        async with client.member("orders") as member:
            await member.opened
            await client.events.Emit(emit("1"))
            with pytest.raises(grpc.aio.AioRpcError):
                await client.events.Emit(emit("1", is_new=True))
            found = await scrape_until(
                port,
                lambda seen: (
                    bool(seen.sum_of("everlog_consumer_members"))
                    and any(key.startswith("everlog_consumer_lag_events{") for key in seen)
                    and seen["everlog_projections"] == 1
                ),
            )
    labels: dict[str, set[str]] = {}
    for key in found:
        name, _, rest = key.partition("{")
        labels.setdefault(name, {"instance"}).update(re.findall(r'(\w+)="', rest))

    for queries in (list(dashboard()), list(alerts())):
        named = [match for query in queries for match in _METRIC.findall(query)]
        assert len(named) >= len(queries) - 1, "an expression without a metric of ours"
        for name, matchers in named:
            assert name in labels, name
            assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)) <= labels[name], name
        for query in queries:
            of_query = set().union(*(labels[name] for name, _ in _METRIC.findall(query)), {"le"})
            for grouped in re.findall(r"by \(([^)]*)\)", query):
                assert set(grouped.split(", ")) <= of_query, query


async def test_only_the_first_tenants_have_figures_of_their_own(
    database_url: str, tmp_path: Path
) -> None:
    async with measured(database_url, tmp_path, "--metrics-tenants-max", "0") as (stub, port):
        await stub.Emit(emit())
        assert (await scrape(port)).sum_of("everlog_head_position") == 0


async def test_each_worker_has_a_port_of_its_own(database_url: str, tmp_path: Path) -> None:
    async with measured(database_url, tmp_path, "--workers", "2") as (stub, port):
        await stub.Emit(emit())
        both = [await scrape(port), await scrape(port + 1)]
    assert sorted(found["everlog_emits_total"] for found in both) == [0, 1]


async def test_a_taken_port_ends_the_start(database_url: str, tmp_path: Path) -> None:
    async with measured(database_url, tmp_path) as (_, port):
        flags = ("--port", "0", "--metrics-port", str(port), "--database-url", database_url)
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "everlog_server", "serve", *flags],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 3
    assert f"can't listen on 127.0.0.1:{port}: address already in use" in done.stderr


async def test_a_source_that_fails_hides_no_other() -> None:
    class Failing:
        def collect(self) -> Iterator[Metric]:
            yield gauge("everlog_first", "Said.", 1)
            raise KeyError("a defect")

    class Sound:
        def collect(self) -> Iterator[Metric]:
            yield gauge("everlog_second", "Said.", 2)

    port = free_port()
    server = MetricsServer(MetricsSettings(port=port), [Failing(), Sound()])
    server.start()
    try:
        found = await scrape(port)
    finally:
        await server.stop()
    assert found["everlog_second"] == 2
    assert found['everlog_metrics_failures_total{source="Failing"}'] == 1
