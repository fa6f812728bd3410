"""The trace that is current where an event is emitted goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from opentelemetry import trace

import everlog
from everlog.trace_context import keep_trace
from everlog.v1 import event_pb2
from tests.servers import SharedServer

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
OTHER = f"00-{TRACE}-{SPAN[::-1]}-01"


@contextmanager
def in_a_span() -> Iterator[None]:
    context = trace.SpanContext(
        int(TRACE, 16), int(SPAN, 16), is_remote=False, trace_flags=trace.TraceFlags(1)
    )
    with trace.use_span(trace.NonRecordingSpan(context)):
        yield


def event(**metadata: str) -> everlog.Event:
    return everlog.Event("order.made", aggregate=("order", "1"), metadata=metadata)


async def test_events_carry_the_trace_of_the_span_in_which_they_are_emitted(
    shared_server: SharedServer,
) -> None:
    tenant = shared_server.new_tenant()
    async with everlog.connect(shared_server.url, tenant=tenant) as client:
        await client.emit(event())
        with in_a_span():
            await client.emit_many([event(a="b"), event(traceparent=OTHER)])
            assert [index async for index, _ in client.emit_stream([event()])] == [0]
        kept = [dict(one.metadata) async for one in client.replay()]
    own = {"traceparent": TRACEPARENT}
    assert kept == [{}, {"a": "b"} | own, {"traceparent": OTHER}, own]


def test_so_do_those_of_the_synchronous_client(shared_server: SharedServer) -> None:
    with everlog.connect_sync(shared_server.url, tenant=shared_server.new_tenant()) as client:
        with in_a_span():
            client.emit(event())
        client.emit(event())
        assert [dict(one.metadata) for one in client.replay()] == [{"traceparent": TRACEPARENT}, {}]


@pytest.mark.parametrize(
    "metadata", [{str(n): "x" for n in range(64)}, {"large": "x" * 16_320}], ids=["many", "large"]
)
def test_an_event_at_its_limits_is_not_refused_for_its_trace(metadata: dict[str, str]) -> None:
    message = event_pb2.NewEvent(metadata=metadata)
    keep_trace(message, TRACEPARENT)
    assert dict(message.metadata) == metadata
