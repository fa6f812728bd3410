"""The HTTP port: families are collected in the event loop's thread, and written in another one.

Writing them takes milliseconds, during which calls are answered; collecting them takes less than
one, and sees numbers that belong together. While the loop does not answer, a scrape fails: that is
what there is to be known then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError

import structlog
from prometheus_client import CollectorRegistry, Metric, ProcessCollector, start_http_server
from prometheus_client.registry import Collector

from everlog_server.errors import EverlogError
from everlog_server.metrics.source import MetricsSource, counters
from everlog_server.settings import MetricsSettings

_COLLECT_SECONDS_MAX = 5.0

log = structlog.get_logger(__name__)


class MetricsListenError(EverlogError):
    """The address for metrics can't be listened on."""


class MetricsServer:
    """Serves /metrics; start it in the event loop that the sources live in, and stop it."""

    def __init__(self, settings: MetricsSettings, sources: Sequence[MetricsSource]) -> None:
        self._settings = settings
        self._sources = sources
        self._stop = lambda: None

    def start(self) -> None:
        """Listens, if a port is set. Raises MetricsListenError."""
        port, host = self._settings.port, self._settings.host
        if port is None:
            return
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_InLoop(asyncio.get_running_loop(), self._sources))
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise MetricsListenError(
                f"can't listen on metrics.host {host}, metrics.port {port}: {error.strerror}"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._stop = stop
        log.info("metrics", url=f"http://{host}:{port}/metrics")

    async def stop(self) -> None:
        """Stops listening. Idempotent."""
        stop, self._stop = self._stop, lambda: None
        await asyncio.to_thread(stop)


class _InLoop(Collector):
    """Collects in the loop's thread what is asked for in another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sources: Sequence[MetricsSource]) -> None:
        self._loop = loop
        self._sources = sources
        self._failures = {(type(source).__name__,): 0 for source in sources}

    def collect(self) -> Iterable[Metric]:
        """What all sources have; what one fails to say is left out, and counted."""
        collecting = asyncio.run_coroutine_threadsafe(self._collect(), self._loop)
        try:
            return collecting.result(_COLLECT_SECONDS_MAX)
        except (TimeoutError, CancelledError):
            collecting.cancel()
            raise

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are not looked at before the first scrape."""
        return iter(())

    async def _collect(self) -> list[Metric]:
        families: list[Metric] = []
        for source in self._sources:
            try:
                families += source.collect()
            except Exception:
                # A defect of one source must not hide what all the others have to say.
                self._failures[(type(source).__name__,)] += 1
                log.exception("metrics could not be collected", source=type(source).__name__)
        families.append(
            counters(
                "everlog_metrics_failures",
                "How often a source of these figures failed.",
                ("source",),
                self._failures,
            )
        )
        return families
