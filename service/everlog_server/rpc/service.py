"""Registers the services with a server.

Handlers take and give bytes, without (de)serializers of gRPC: see event_store.py.
"""

from __future__ import annotations

import asyncio

import grpc

from everlog.v1 import event_store_pb2
from everlog_server.append import Sequencers
from everlog_server.rpc.emit_stream import EmitStreams
from everlog_server.rpc.event_store import EventStore
from everlog_server.rpc.interceptors import guarded
from everlog_server.settings import LimitSettings
from everlog_server.storage.reads import EventReader
from everlog_server.storage.tenants import Tenants
from everlog_server.subscriptions import Subscriptions

EVENT_STORE_SERVICE = event_store_pb2.DESCRIPTOR.services_by_name["EventStoreService"].full_name


def add_services(
    server: grpc.aio.Server,
    *,
    sequencers: Sequencers,
    tenants: Tenants,
    reader: EventReader,
    subscriptions: Subscriptions,
    limits: LimitSettings,
    drain: asyncio.Event,
    heartbeat_seconds: float = 10.0,
) -> None:
    """Adds EventStoreService.

    `drain` is set when the server begins to stop: streams of Emits, and Replays, then end.
    `heartbeat_seconds` is for subscribers who do not say.
    """
    store = EventStore(
        sequencers=sequencers,
        tenants=tenants,
        reader=reader,
        subscriptions=subscriptions,
        limits=limits,
        drain=drain,
        heartbeat_seconds=heartbeat_seconds,
    )
    streams = EmitStreams(sequencers=sequencers, tenants=tenants, limits=limits, drain=drain)
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Emit": grpc.unary_unary_rpc_method_handler(store.Emit),
        "EmitStream": grpc.stream_stream_rpc_method_handler(streams.EmitStream),
        "GetHead": grpc.unary_unary_rpc_method_handler(store.GetHead),
        "Get": grpc.unary_unary_rpc_method_handler(store.Get),
        "Query": grpc.unary_unary_rpc_method_handler(store.Query),
        "Replay": grpc.unary_stream_rpc_method_handler(store.Replay),
        "Subscribe": grpc.unary_stream_rpc_method_handler(store.Subscribe),
    }
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                EVENT_STORE_SERVICE,
                {name: guarded(handler) for name, handler in handlers.items()},
            ),
        )
    )
