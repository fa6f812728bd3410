"""Registers the services with a server.

Handlers take and give bytes, without (de)serializers of gRPC: see event_store.py.
"""

from __future__ import annotations

import asyncio

import grpc

from everlog.v1 import aggregates_pb2, catalog_pb2, event_store_pb2
from everlog_server.aggregates import States
from everlog_server.append import Sequencers
from everlog_server.catalog.catalogs import Catalogs
from everlog_server.entities import EntityGraph
from everlog_server.narratives import Narrators
from everlog_server.rpc.aggregate_service import AggregateService
from everlog_server.rpc.catalog_service import CatalogService
from everlog_server.rpc.emit_stream import EmitStreams
from everlog_server.rpc.entity_service import SERVICE as ENTITY_SERVICE
from everlog_server.rpc.entity_service import EntityService
from everlog_server.rpc.event_store import EventStore
from everlog_server.rpc.interceptors import guarded
from everlog_server.rpc.narratives_service import NARRATIVE_SERVICE, Narratives
from everlog_server.settings import LimitSettings
from everlog_server.storage.catalogs import CatalogStore
from everlog_server.storage.counts import Counts
from everlog_server.storage.graph import GraphReader
from everlog_server.storage.listings import Listings
from everlog_server.storage.outcomes import MeaningReader
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants
from everlog_server.subscriptions import Subscriptions

AGGREGATE_SERVICE = aggregates_pb2.DESCRIPTOR.services_by_name["AggregateService"].full_name
EVENT_STORE_SERVICE = event_store_pb2.DESCRIPTOR.services_by_name["EventStoreService"].full_name
CATALOG_SERVICE = catalog_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name
SERVICES = (
    EVENT_STORE_SERVICE,
    CATALOG_SERVICE,
    AGGREGATE_SERVICE,
    NARRATIVE_SERVICE,
    ENTITY_SERVICE,
)
"""The names of everlog's own, in the order in which they are told."""


def add_services(
    server: grpc.aio.Server,
    *,
    sequencers: Sequencers,
    tenants: Tenants,
    reader: EventReader,
    meaning: MeaningReader,
    graphs: GraphReader,
    narrators: Narrators,
    subscriptions: Subscriptions,
    catalog_store: CatalogStore,
    entities: EntityGraph,
    states: States,
    listings: Listings,
    counts: Counts,
    limits: LimitSettings,
    drain: asyncio.Event,
    heartbeat_seconds: float = 10.0,
) -> None:
    """Adds everlog's own services.

    `drain` is set when the server begins to stop: streams of Emits, and Replays, then end.
    `heartbeat_seconds` is for subscribers who do not say.
    """
    catalogs = Catalogs(catalog_store)
    store = EventStore(
        sequencers=sequencers,
        tenants=tenants,
        catalogs=catalogs,
        reader=reader,
        meaning=meaning,
        subscriptions=subscriptions,
        limits=limits,
        drain=drain,
        heartbeat_seconds=heartbeat_seconds,
    )
    streams = EmitStreams(
        sequencers=sequencers, tenants=tenants, catalogs=catalogs, limits=limits, drain=drain
    )
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Emit": grpc.unary_unary_rpc_method_handler(store.Emit),
        "EmitStream": grpc.stream_stream_rpc_method_handler(streams.EmitStream),
        "GetHead": grpc.unary_unary_rpc_method_handler(store.GetHead),
        "Get": grpc.unary_unary_rpc_method_handler(store.Get),
        "Query": grpc.unary_unary_rpc_method_handler(store.Query),
        "Replay": grpc.unary_stream_rpc_method_handler(store.Replay),
        "Subscribe": grpc.unary_stream_rpc_method_handler(store.Subscribe),
    }
    catalog = CatalogService(tenants=tenants, catalogs=catalogs, store=catalog_store)
    aggregates = AggregateService(
        tenants=tenants,
        reader=reader,
        states=states,
        listings=listings,
        counts=counts,
        limits=limits,
    )
    narratives = Narratives(
        sequencers=sequencers,
        tenants=tenants,
        reader=reader,
        meaning=meaning,
        graphs=graphs,
        narrators=narrators,
        limits=limits,
    )
    graph = EntityService(
        graph=entities, sequencers=sequencers, tenants=tenants, reader=reader, limits=limits
    )
    services = {
        EVENT_STORE_SERVICE: handlers,
        CATALOG_SERVICE: catalog.handlers(),
        AGGREGATE_SERVICE: aggregates.handlers(),
        NARRATIVE_SERVICE: narratives.handlers(),
        ENTITY_SERVICE: graph.handlers(),
    }
    server.add_generic_rpc_handlers([_service(name, of) for name, of in services.items()])


def _service(
    name: str, handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]]
) -> grpc.GenericRpcHandler:
    of = {method: guarded(handler) for method, handler in handlers.items()}
    return grpc.method_handlers_generic_handler(name, of)
