"""One service process: builds the rooms from the settings, starts them, stops them in order.

The only module that knows all the rooms. Which database, its schema, and how many processes there
are is settled before: see cli/serve.py and supervisor.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import structlog
import uvloop
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from everlog_server.admission import CallerRates
from everlog_server.aggregates import States
from everlog_server.append import Sequencers
from everlog_server.catalog.catalogs import Catalogs
from everlog_server.consumers import Consumers
from everlog_server.entities import EntityGraph, EntityIndexer
from everlog_server.identity.identities import Identities
from everlog_server.metrics import LoopDelay, MetricsServer
from everlog_server.metrics.consumers import ConsumerMetrics
from everlog_server.metrics.projections import ProjectionMetrics
from everlog_server.metrics.rooms import (
    AppendMetrics,
    CallMetrics,
    HeadMetrics,
    ProcessMetrics,
    RateMetrics,
    SubscriptionMetrics,
)
from everlog_server.metrics.storage import StorageMetrics
from everlog_server.narratives import Narrators
from everlog_server.narratives.language_model import language_model
from everlog_server.projections import Builder, Projector
from everlog_server.rpc.admin_service import AdminService
from everlog_server.rpc.aggregate_service import AggregateService
from everlog_server.rpc.borrowed import RefusingServer
from everlog_server.rpc.calls import AccessLog, Calls
from everlog_server.rpc.catalog_service import CatalogService
from everlog_server.rpc.consumer_admin import ConsumerAdmin
from everlog_server.rpc.consumer_requests import policy_of
from everlog_server.rpc.consumer_service import ConsumerService
from everlog_server.rpc.entity_service import EntityService
from everlog_server.rpc.entry import Entry
from everlog_server.rpc.event_store import EventStore
from everlog_server.rpc.listening import channel_options, listen
from everlog_server.rpc.narrative_service import NarrativeService
from everlog_server.rpc.projection_service import ProjectionService
from everlog_server.rpc.records import CODEC
from everlog_server.rpc.reflection import SERVICE_NAME as REFLECTION_SERVICE
from everlog_server.rpc.reflection import add_reflection
from everlog_server.rpc.service import add_services
from everlog_server.rpc.tenant_admin import TenantAdmin
from everlog_server.rpc.token_admin import TokenAdmin
from everlog_server.spare_memory import SpareMemory
from everlog_server.storage.catalogs import CatalogStore
from everlog_server.storage.consumer_accounts import ConsumerAccounts
from everlog_server.storage.consumer_parked import ConsumerParked
from everlog_server.storage.consumers import ConsumerStore
from everlog_server.storage.counts import Counts
from everlog_server.storage.database import Database
from everlog_server.storage.entities import EntityStore
from everlog_server.storage.graph import GraphReader
from everlog_server.storage.hints import Hints
from everlog_server.storage.listings import Listings
from everlog_server.storage.outcomes import MeaningReader
from everlog_server.storage.projecting import ProjectingStore
from everlog_server.storage.projection_builds import ProjectionBuilds
from everlog_server.storage.projections import ProjectionStore
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants, TenantStore
from everlog_server.storage.tokens import TokenStore
from everlog_server.subscriptions import Subscriptions
from everlog_server.tracing import configured_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from everlog_server.identity.callers import Authenticator
    from everlog_server.model import Committed
    from everlog_server.rpc.service import Service
    from everlog_server.rpc.tls import ServerTls
    from everlog_server.settings import ServerSettings, Settings

# A refusal made at the end of the grace has yet to reach its caller.
_LAST_WORDS_SECONDS = 1.0
# A call that reaches a server that has stopped is cancelled without a reason. So callers who do not
# look at the health are answered for a moment more: SERVER_DRAINING sends them elsewhere.
_REFUSING_SECONDS = 0.5
# For reads that run, and streams that somebody reads: those that nobody reads would take it all.
_CALLS_STOP_SECONDS = 2.0
_HEALTH_STOP_SECONDS = 1.0

_log = structlog.get_logger(__name__)


def run(
    loaded: Settings,
    dsn: str,
    *,
    on_serving: Callable[[str], None],
    lifeline: int | None = None,
) -> None:
    """Serves, in an event loop of its own: see `serve`.

    Raises KeyboardInterrupt at a second SIGINT, which does not wait for the grace.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(loaded, dsn, on_serving=on_serving, lifeline=lifeline))


async def serve(  # noqa: PLR0915  what there is, and in which order it starts and stops
    loaded: Settings,
    dsn: str,
    *,
    on_serving: Callable[[str], None],
    lifeline: int | None = None,
    authenticator: Authenticator | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, or until the file descriptor `lifeline` ends.

    `on_serving` is called once, with the address. `authenticator` tells who callers are; None: that
    which the settings say. Raises ListenError, StorageUnavailableError when PostgreSQL does not
    answer at the start.
    """
    stopping = _stop_event(lifeline)
    drain = asyncio.Event()
    spans = configured_spans()
    database = Database(dsn, loaded.storage)
    reader = EventReader(database)
    catalog_store = CatalogStore(database)
    hints = Hints(database)
    subscriptions = Subscriptions(reader, hints, loaded.subscriptions)
    entity_store = EntityStore(database)
    indexer = EntityIndexer(
        entity_store, poll_interval_seconds=loaded.subscriptions.poll_interval_seconds
    )

    projecting = ProjectingStore(database)
    projector = Projector(projecting)
    if loaded.projections.run:
        hints.listen(projector.look_soon)

    def on_committed(tenant_id: int, committed: Committed) -> None:
        subscriptions.publish(tenant_id, committed)
        indexer.note_commit(tenant_id)
        projector.note_commit(tenant_id)

    sequencers = Sequencers(
        settings=loaded.append,
        answer_timeout_seconds=database.answer_seconds,
        connect=database.connect_to_append,
        codec=CODEC,
        on_committed=on_committed,
        note_batch=spans.note_batch if spans else None,
    )
    identities = Identities(loaded.identity, TokenStore(database))
    server = grpc.aio.server(options=channel_options(loaded))
    calls = Calls(AccessLog(loaded.log.access))
    model = language_model(loaded.narrator)
    tenants, limits = Tenants(database), loaded.limits
    rates = CallerRates(
        calls_per_second=limits.caller_calls_per_second,
        events_per_second=limits.caller_events_per_second,
    )
    projections = ProjectionStore(database)
    catalogs, meaning = Catalogs(catalog_store), MeaningReader(database)
    consumer_store = ConsumerStore(database)
    consumers = Consumers(
        consumer_store,
        reader,
        subscriptions.subscribe,
        partial(policy_of, limits=limits),
        watched_max=0 if loaded.metrics.port is None else loaded.metrics.tenants_max,
    )
    services: list[Service] = [
        EventStore(
            sequencers=sequencers,
            tenants=tenants,
            catalogs=catalogs,
            reader=reader,
            meaning=meaning,
            subscriptions=subscriptions,
            limits=limits,
            drain=drain,
            heartbeat_seconds=loaded.subscriptions.heartbeat_seconds,
            streamed_emits=calls.streamed_emits,
            begin_span=spans.begin if spans else None,
        ),
        CatalogService(tenants=tenants, catalogs=catalogs, store=catalog_store),
        AggregateService(
            tenants=tenants,
            reader=reader,
            states=States(reader, catalog_store.aggregate_type),
            listings=Listings(database),
            counts=Counts(database),
            limits=limits,
        ),
        NarrativeService(
            sequencers=sequencers,
            tenants=tenants,
            reader=reader,
            meaning=meaning,
            graphs=GraphReader(database),
            narrators=Narrators(model),
            limits=limits,
        ),
        EntityService(
            graph=EntityGraph(entity_store, indexer, reader),
            sequencers=sequencers,
            tenants=tenants,
            reader=reader,
            limits=limits,
        ),
        ConsumerAdmin(
            ConsumerService(
                consumers=consumers,
                store=consumer_store,
                tenants=tenants,
                reader=reader,
                limits=limits,
            ),
            store=consumer_store,
            accounts=ConsumerAccounts(database),
            parked=ConsumerParked(database),
            tenants=tenants,
            reader=reader,
            limits=limits,
        ),
        ProjectionService(
            tenants=tenants,
            store=projections,
            projecting=projecting,
            builder=Builder(projections, ProjectionBuilds(database)),
            limits=limits,
            accepts_definitions=loaded.accepts_definitions,
            on_change=projector.look_soon,
        ),
        AdminService(
            TenantAdmin(store=TenantStore(database), limits=limits),
            TokenAdmin(identities.tokens, limits=limits),
        ),
    ]
    authenticator = authenticator or identities.authenticator
    # Where clients are asked for no certificate, none has shown one.
    certificates = loaded.server.tls_client_ca is not None
    entry = Entry(authenticator, certificates=certificates, rates=rates)
    add_services(server, services, calls, entry, around=spans.around if spans else None)
    loop_delay = LoopDelay()
    metrics = MetricsServer(
        loaded.metrics,
        [
            ProcessMetrics(loop_delay.seconds),
            CallMetrics(calls.snapshot, calls.streamed_emits),
            RateMetrics(rates.snapshot),
            AppendMetrics(sequencers.snapshot),
            SubscriptionMetrics(subscriptions.snapshot),
            ConsumerMetrics(
                consumers.snapshot,
                lambda: tenants.names,
                consumers_max=loaded.metrics.tenants_max,
            ),
            ProjectionMetrics(projector.snapshot, projections_max=loaded.metrics.tenants_max),
            StorageMetrics(database.snapshot),
            HeadMetrics(
                sequencers.snapshot,
                subscriptions.snapshot,
                lambda: tenants.names,
                tenants_max=loaded.metrics.tenants_max,
            ),
        ],
    )
    healthy = await _add_health_and_reflection(
        server, [service.name for service in services], authenticator
    )
    tls = _tls(loaded.server)
    address = listen(server, loaded.server, tls)

    await database.open()
    try:
        async with asyncio.TaskGroup() as tasks:
            forever = [subscriptions.run(), indexer.run(), consumers.run(), loop_delay.run()]
            forever += [*identities.tasks(), SpareMemory().run()]
            if loaded.projections.run:
                forever.append(projector.run())
            running = [tasks.create_task(one) for one in forever]
            metrics.start()
            await server.start()
            # What was made until now lives as long as the process: no collection need look at it.
            gc.collect()
            gc.freeze()
            on_serving(address)
            try:
                await stopping.wait()
            finally:
                # The stop order. Together the steps take the grace and little more: each has what
                # is left of it, and none waits without bound for a caller who does not read.
                _log.info("draining", grace_seconds=loaded.server.drain_grace_seconds)
                deadline = asyncio.get_running_loop().time() + loaded.server.drain_grace_seconds
                with contextlib.suppress(TimeoutError):  # A stalled health watcher can hold it up.
                    await asyncio.wait_for(healthy.enter_graceful_shutdown(), _HEALTH_STOP_SECONDS)
                await consumers.drain()  # Stores what is answered, gives shares to other servers.
                subscriptions.drain()  # Ends Subscribes with SERVER_DRAINING, and refuses new ones.
                drain.set()  # No EmitStream reads on; each ends so when its Emits are answered.
                await sequencers.stop(_left(deadline))  # Refuses new Emits so; waiting ones finish.
                await asyncio.sleep(min(_left(deadline), _REFUSING_SECONDS))
                # Reads finish.
                calls_seconds = min(_left(deadline), _CALLS_STOP_SECONDS)
                await server.stop(max(calls_seconds, _LAST_WORDS_SECONDS))
                for task in running:
                    task.cancel()
    finally:
        if model is not None:
            await model.close()
        await metrics.stop()
        if spans is not None:
            await asyncio.to_thread(spans.close)
        await database.close()


async def _add_health_and_reflection(
    server: grpc.aio.Server, services: Sequence[str], authenticator: Authenticator
) -> health.aio.HealthServicer:
    names = [*services, health.SERVICE_NAME, REFLECTION_SERVICE]
    healthy = health.aio.HealthServicer()
    for name in ("", *names):
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    refusing: Any = RefusingServer(server)  # a server in all that is asked of it
    health_pb2_grpc.add_HealthServicer_to_server(healthy, refusing)
    add_reflection(names, server, authenticator)
    return healthy


def _stop_event(lifeline: int | None) -> asyncio.Event:
    """An event that is set by SIGTERM, by SIGINT, and at the end of the file `lifeline`."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()

    def interrupt() -> None:
        # A second Ctrl-C is meant. A second SIGTERM is not: process managers send it to the group
        # and forward it, too.
        loop.remove_signal_handler(signal.SIGINT)
        stopping.set()

    def read_lifeline(descriptor: int) -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stopping.set()

    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    if lifeline is not None:
        loop.add_reader(lifeline, read_lifeline, lifeline)
    return stopping


def _tls(settings: ServerSettings) -> ServerTls | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    from everlog_server.rpc.tls import ServerTls  # noqa: PLC0415  late: a tenth of a second

    return ServerTls(settings.tls_certificate, settings.tls_key, settings.tls_client_ca)


def _left(deadline: float) -> float:
    return max(0.0, deadline - asyncio.get_running_loop().time())
