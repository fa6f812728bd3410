"""Spans of calls and of batches, by OpenTelemetry: an optional extra, set up by its own variables.

`pip install everlog-server[tracing]`, and OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER: then
each call with one answer has a span, below the caller's; so has each Emit of a stream of which the
first event is of a trace; and each batch has one that links to the calls of which events are in it.
Without them, nothing of this is imported. OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_BSP_… and
the like are OpenTelemetry's, and work as it says.

Spans say no more than the access log: nothing of what is in events, or in refusals.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from everlog_server.errors import EverlogError
from everlog_server.model import NewEvent

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link

_LINKS_MAX = 100
_FLUSH_MILLISECONDS = 2_000
_TRACEPARENT = "traceparent"
_MARK = _TRACEPARENT.encode()
_Behavior = Callable[[Any, Any], Awaitable[Any]]

log = structlog.get_logger(__name__)


def configured_spans(environment: Mapping[str, str] = os.environ) -> Spans | None:
    """What records spans, if the variables ask for it and the extra is installed."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip()
    endpoint = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environment.get(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    disabled = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or exporter == "none" or not (exporter or endpoint):
        return None
    if exporter in {"", "otlp"}:
        protocol = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        exporter = "otlp_proto_http" if protocol.startswith("http") else "otlp_proto_grpc"
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415  an extra, rarely wanted
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        (found,) = entry_points(group="opentelemetry_traces_exporter", name=exporter)
    except (ImportError, ValueError):
        log.warning(
            "tracing is configured, but not installed: pip install 'everlog-server[tracing]'",
            exporter=exporter,
        )
        return None
    service = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "everlog"}
    provider = TracerProvider(resource=Resource.create(service))
    provider.add_span_processor(BatchSpanProcessor(found.load()()))
    log.info("tracing", exporter=exporter)
    return Spans(provider)


class Spans:
    """Records spans. Used from the event loop; sending is another thread's."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace  # noqa: PLC0415  not before it is wanted
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._trace = trace
        self._tracer = provider.get_tracer("everlog_server")
        self._propagator = TraceContextTextMapPropagator()

    def around(self, behavior: _Behavior, method: str) -> _Behavior:
        """The handler, each of its calls a span below the caller's."""
        service, _, name = method.rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        kind, status = self._trace.SpanKind.SERVER, self._trace.Status
        failed = self._trace.StatusCode.ERROR

        async def traced(request: Any, context: Any) -> Any:
            sent = dict(context.invocation_metadata() or ())
            parent = self._propagator.extract(sent)
            with self._tracer.start_as_current_span(
                method,
                context=parent,
                kind=kind,
                attributes=attributes,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                try:
                    return await behavior(request, context)
                except EverlogError as error:
                    span.set_attribute("everlog.reason", error.reason)
                    span.set_status(status(failed, error.reason))
                    raise
                except BaseException as error:
                    span.set_status(status(failed, type(error).__name__))
                    raise

        return traced

    def begin(self, method: str, traceparent: str) -> Callable[[str], None]:
        """A part of a stream begins. What is returned ends it, with the reason of a refusal.

        `traceparent` is that of its own caller; an empty reason: it went well.
        """
        service, _, name = method.rpartition("/")
        span = self._tracer.start_span(
            method,
            context=self._propagator.extract({_TRACEPARENT: traceparent}),
            kind=self._trace.SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
        )

        def end(reason: str) -> None:
            if reason:
                span.set_attribute("everlog.reason", reason)
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, reason))
            span.end()

        return end

    def note_batch(self, tenant_id: int, events: Iterable[NewEvent], seconds: float) -> None:
        """A batch was committed, and took so long: a span, if any of its events is of a trace."""
        events = list(events)
        links = list(self._links(events))
        if links:
            now = time.time_ns()
            span = self._tracer.start_span(
                "everlog append batch",
                start_time=now - int(seconds * 1e9),
                links=links,
                attributes={"everlog.tenant_id": tenant_id, "everlog.events": len(events)},
            )
            span.end(now)

    def close(self) -> None:
        """Sends what is left, for two seconds at most. Blocks."""
        self._provider.force_flush(_FLUSH_MILLISECONDS)
        self._provider.shutdown()

    def _links(self, events: Iterable[NewEvent]) -> Iterator[Link]:
        seen: set[str] = set()
        for event in events:
            if event.metadata is None or _MARK not in event.metadata:
                continue
            traceparent = orjson.loads(event.metadata).get(_TRACEPARENT)
            if not isinstance(traceparent, str) or traceparent in seen:
                continue
            seen.add(traceparent)
            carrier = self._propagator.extract({_TRACEPARENT: traceparent})
            context = self._trace.get_current_span(carrier).get_span_context()
            if context.is_valid and context.trace_flags.sampled:
                yield self._trace.Link(context)
            if len(seen) >= _LINKS_MAX:
                return
