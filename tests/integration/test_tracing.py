"""A trace goes on: from a caller's metadata into its events, and to a collector as spans."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from everlog.v1 import event_pb2
from everlog.v1 import event_store_pb2 as pb
from everlog_server.rpc.trace_context import keep_trace
from everlog_server.rpc.validation import decode_emission
from everlog_server.settings import LimitSettings
from everlog_server.tracing import configured_spans
from tests.servers import read_log, serving, stub_for

if TYPE_CHECKING:
    from pathlib import Path

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{TRACE}-{SPAN[::-1]}-01"
OF_STREAM, REFUSED = f"00-{TRACE}-{1:016x}-01", f"00-{TRACE}-{2:016x}-01"


def event(key: str = "", **metadata: str) -> event_pb2.NewEvent:
    return event_pb2.NewEvent(
        aggregate_type="order",
        aggregate_id="1",
        event_type="order.made",
        json="{}",
        idempotency_key=key,
        metadata=metadata,
    )


def kept(
    request: pb.EmitRequest, traceparent: object = TRACEPARENT, **limits: int
) -> list[dict[str, str]]:
    keep_trace(request, traceparent, LimitSettings(**limits))
    decode_emission(request, LimitSettings(**limits))  # whatever was added, it is accepted
    return [dict(each.metadata) for each in request.events]


def test_each_event_keeps_the_trace_but_one_that_has_its_own() -> None:
    request = pb.EmitRequest(events=[event(), event(a="b"), event(traceparent=OTHER)])
    own = {"traceparent": TRACEPARENT}
    assert kept(request) == [own, {"a": "b"} | own, {"traceparent": OTHER}]


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        b"bytes",
        TRACEPARENT.upper(),
        f"01-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"{TRACEPARENT}-more",
        f"{TRACEPARENT}\n",
    ],
)
def test_what_is_no_trace_is_not_kept(traceparent: object) -> None:
    assert kept(pb.EmitRequest(events=[event()]), traceparent) == [{}]


def test_an_event_at_its_limits_is_not_refused_for_its_trace() -> None:
    entries = {str(number): "x" for number in range(64)}
    assert kept(pb.EmitRequest(events=[event(**entries)])) == [entries]
    large = {"large": "x" * 16_320}
    assert kept(pb.EmitRequest(events=[event(**large)])) == [large]
    request = pb.EmitRequest(events=[event()])
    request.events[0].json = f'"{"x" * 1900}"'
    assert kept(request, event_bytes_max=2000, request_bytes_max=4000) == [{}]
    two = pb.EmitRequest(events=[event(), event()])
    assert kept(two, request_bytes_max=two.ByteSize() + 100, event_bytes_max=150) == [{}, {}]


async def test_a_subscriber_gets_the_trace_and_a_retry_may_be_of_another(
    database_url: str, tmp_path: Path
) -> None:
    async with serving(database_url, tmp_path) as server, stub_for(server.address) as stub:
        request = pb.EmitRequest(events=[event("key")])
        first = await stub.Emit(request, metadata=(("traceparent", TRACEPARENT),))
        again = await stub.Emit(request, metadata=(("traceparent", OTHER),))
        without = await stub.Emit(request)
        await stub.Emit(pb.EmitRequest(events=[event()]))
        assert again.receipts[0].deduplicated
        assert without.receipts[0].deduplicated
        assert again.receipts[0].event_id == first.receipts[0].event_id
        subscription = stub.Subscribe(pb.SubscribeRequest(after_position=0))
        seen = [dict(each.metadata) for each in (await subscription.read()).events]
        assert seen == [{"traceparent": TRACEPARENT}, {}]
        assert [dict(each.metadata) for each in await read_log(stub)] == seen


class Collector(TraceServiceServicer):  # type: ignore[misc]  # of a package without types
    """An OTLP collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: dict[str, Any] = {}
        self.services: set[str] = set()
        self.of_streams: list[Any] = []

    async def Export(self, request: Any, _: Any) -> Any:
        for of_resource in request.resource_spans:
            attributes = {each.key: each.value for each in of_resource.resource.attributes}
            self.services.add(attributes["service.name"].string_value)
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    self.spans.setdefault(span.name, span)
                self.of_streams += [one for one in of_scope.spans if "EmitStream" in one.name]
        return otlp.ExportTraceServiceResponse()


async def test_calls_and_batches_are_spans_of_the_callers_trace(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector()
    server = grpc.aio.server()
    add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    try:
        async with serving(database_url, tmp_path) as everlog, stub_for(everlog.address) as stub:
            metadata = (("traceparent", TRACEPARENT),)
            await stub.Emit(pb.EmitRequest(events=[event(), event()]), metadata=metadata)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.Get(pb.GetRequest(position=99), metadata=metadata)
            stream = stub.EmitStream()
            streamed = [[event(traceparent=OF_STREAM)], [event()], [event(traceparent=REFUSED)]]
            streamed[2][0].event_type = ""
            emits = [
                pb.StreamedEmit(request_id=n, request=pb.EmitRequest(events=events))
                for n, events in enumerate(streamed)
            ]
            await stream.write(pb.EmitStreamRequest(emits=emits))
            await stream.done_writing()
            assert sum([len(response.answers) async for response in stream]) == 3
            names = {
                "everlog.v1.EventStoreService/Emit",
                "everlog.v1.EventStoreService/Get",
                "everlog append batch",
            }
            async with asyncio.timeout(20):
                while len(collector.of_streams) < 2:  # noqa: ASYNC110  another process sends
                    await asyncio.sleep(0.02)
                while not names <= set(collector.spans):  # noqa: ASYNC110  another process sends
                    await asyncio.sleep(0.02)
            assert await everlog.stop() == 0
    finally:
        await server.stop(None)
    emit, get, batch = (collector.spans[name] for name in sorted(names)[1:] + sorted(names)[:1])
    for span in (emit, get):
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
    assert get.status.message == "EVENT_NOT_FOUND"
    assert emit.status.code == 0
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in batch.links] == [(TRACE, SPAN)]
    assert {each.key: each.value.int_value for each in batch.attributes}["everlog.events"] == 2
    assert collector.services == {"everlog"}
    parents = {one.parent_span_id.hex(): one for one in collector.of_streams}
    assert parents.keys() == {traceparent.split("-")[2] for traceparent in (OF_STREAM, REFUSED)}
    assert {one.trace_id.hex() for one in collector.of_streams} == {TRACE}
    assert parents[OF_STREAM.split("-")[2]].status.code == 0
    assert parents[REFUSED.split("-")[2]].status.message == "INVALID_EVENT"


def test_nothing_is_recorded_unless_it_is_asked_for() -> None:
    for environment in (
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"},
    ):
        assert configured_spans(environment) is None


def test_without_the_extra_the_server_says_so_and_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    assert configured_spans({"OTEL_TRACES_EXPORTER": "otlp"}) is None
