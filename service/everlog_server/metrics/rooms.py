"""The sources: a room's snapshot in, its families out."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from everlog_server.admission import RatesSnapshot
from everlog_server.append.counts import AppendSnapshot
from everlog_server.measures import Buckets
from everlog_server.metrics.source import counter, counters, gauge, gauges, histogram
from everlog_server.rpc.calls import MethodSnapshot
from everlog_server.subscriptions.counts import SubscriptionSnapshot


class ProcessMetrics:
    """The process itself: what it runs, since when, and whether its loop keeps up."""

    def __init__(self, loop_delay: Buckets) -> None:
        self._loop_delay = loop_delay
        self._started = time.monotonic()
        self._build = {
            "version": version("everlog-server"),
            "python": platform.python_version(),
            "grpc": version("grpcio"),
        }

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        build = GaugeMetricFamily(
            "everlog_build_info", "What runs: always 1.", labels=list(self._build)
        )
        build.add_metric(list(self._build.values()), 1)
        yield build
        uptime = time.monotonic() - self._started
        yield gauge("everlog_uptime_seconds", "Since this process began to serve.", uptime)
        yield histogram(
            "everlog_event_loop_delay_seconds",
            "How late a timer of the event loop goes off; four are set a second.",
            (),
            {(): self._loop_delay.snapshot()},
        )


class CallMetrics:
    """The calls, by method."""

    def __init__(
        self,
        snapshot: Callable[[], Iterable[MethodSnapshot]],
        streamed_emits: dict[tuple[str, str], int],
    ) -> None:
        self._snapshot = snapshot
        self._streamed_emits = streamed_emits

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        methods = list(self._snapshot())
        yield counters(
            "everlog_calls",
            "Calls that have ended, by gRPC code and everlog's reason (empty when there is none).",
            ("method", "code", "reason"),
            {(m.method, *ending): number for m in methods for ending, number in m.ended.items()},
        )
        yield gauges(
            "everlog_calls_running",
            "Calls that have not ended; of streams, those that are open.",
            ("method",),
            {(m.method,): m.running for m in methods},
        )
        yield histogram(
            "everlog_call_seconds",
            "From a call's arrival in the handler to its answer; without streams.",
            ("method",),
            {(m.method,): m.seconds for m in methods if m.seconds is not None and m.ended},
        )
        yield counters(
            "everlog_received_bytes",
            "Bytes of requests.",
            ("method",),
            {(m.method,): m.received_bytes for m in methods},
        )
        yield counters(
            "everlog_sent_bytes",
            "Bytes of answers.",
            ("method",),
            {(m.method,): m.sent_bytes for m in methods},
        )
        yield counters(
            "everlog_streamed_emits",
            "Emits of EmitStreams that were answered, each as a call of its own.",
            ("code", "reason"),
            self._streamed_emits,
        )


class RateMetrics:
    """What callers were refused for asking too often."""

    def __init__(self, snapshot: Callable[[], RatesSnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        yield counters(
            "everlog_rate_refusals",
            "Calls that were refused because their caller had had its calls, or its events, of a"
            " second; an Emit of an EmitStream is a call, too.",
            ("of",),
            {(what,): number for what, number in self._snapshot().refused.items()},
        )


class AppendMetrics:
    """The sequencers."""

    def __init__(self, snapshot: Callable[[], AppendSnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        now = self._snapshot()
        yield counter("everlog_emits", "Emits that were answered with receipts.", now.emits)
        yield counter("everlog_appended_events", "Events that were appended.", now.events)
        yield counter(
            "everlog_deduplicated_events",
            "Events that were known already, and answered with their first receipts.",
            now.deduplicated,
        )
        yield counters(
            "everlog_emits_refused",
            "Emits that were judged against the log, and refused; SEQUENCE_CONFLICT above all.",
            ("reason",),
            {(reason,): number for reason, number in now.refused.items()},
        )
        yield counter(
            "everlog_append_settlings",
            "How often appends left the fast path: another process wrote, a connection was lost.",
            now.settlings,
        )
        yield histogram(
            "everlog_append_batch_events", "Events of one transaction.", (), {(): now.batch_events}
        )
        yield histogram(
            "everlog_append_commit_seconds",
            "From sending a batch to PostgreSQL to hearing that it is durable.",
            (),
            {(): now.commit_seconds},
        )
        yield counter(
            "everlog_append_queue_refusals",
            "Emits that were refused because the queues were full.",
            now.turned_away,
        )
        yield gauge("everlog_append_queue_emits", "Emits that wait.", now.queued_emits)
        yield gauge("everlog_append_queue_bytes", "Bytes of events that wait.", now.queued_bytes)
        yield gauge(
            "everlog_append_batches_in_flight", "Batches sent, not answered.", now.batches_in_flight
        )
        yield gauge(
            "everlog_append_connections", "Connections that sequencers hold.", now.connections
        )
        yield gauge(
            "everlog_append_connections_waited_for",
            "Tenants whose appends wait for a connection.",
            now.waiting_for_connection,
        )


class SubscriptionMetrics:
    """Those who follow."""

    def __init__(self, snapshot: Callable[[], SubscriptionSnapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Its families."""
        now = self._snapshot()
        yield gauges(
            "everlog_subscriptions",
            "Subscriptions that are open.",
            ("state",),
            {("live",): now.live, ("catching_up",): now.catching_up},
        )
        yield gauge(
            "everlog_subscription_lag_events_max",
            "How many positions the slowest subscription is behind the head.",
            max(now.lags, default=0),
        )
        yield gauge(
            "everlog_subscription_lag_events_sum",
            "How many positions all subscriptions together are behind the head.",
            sum(now.lags),
        )
        yield counters(
            "everlog_subscription_reads",
            "Reads of subscriptions: shared with others from the ring, made from it, or from"
            " PostgreSQL (the misses).",
            ("source",),
            {
                ("ring_shared",): now.ring_shared,
                ("ring",): now.ring_read,
                ("table",): now.table_read,
            },
        )
        yield counter(
            "everlog_subscriptions_fell_behind",
            "How often a live subscription was so slow that the ring had moved on.",
            now.fell_behind,
        )
        yield counter(
            "everlog_subscriptions_refused", "For lack of room on this process.", now.refused
        )
        yield gauge("everlog_ring_bytes", "Memory of all rings.", now.ring_bytes)


class HeadMetrics:
    """Where the logs end, as far as this process knows: of those it writes to, or follows."""

    def __init__(
        self,
        appended: Callable[[], AppendSnapshot],
        followed: Callable[[], SubscriptionSnapshot],
        names: Callable[[], dict[int, str]],
        *,
        tenants_max: int,
    ) -> None:
        self._appended = appended
        self._followed = followed
        self._names = names
        self._tenants_max = tenants_max

    def collect(self) -> Iterator[Metric]:
        """Its family. Tenants are taken as they come, so that series do not come and go."""
        appended, followed = self._appended().heads, self._followed().heads
        heads: dict[tuple[str, ...], float] = {}
        for tenant_id, name in self._names().items():
            if len(heads) >= self._tenants_max:
                break
            head = max(appended.get(tenant_id, 0), followed.get(tenant_id, 0))
            if head:
                heads[(name,)] = head
        yield gauges(
            "everlog_head_position",
            "The last position of a tenant's log that this process knows of.",
            ("tenant",),
            heads,
        )
