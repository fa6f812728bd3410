"""`everlog status`: how the server is, and where the log ends."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import click
from grpc.aio import AioRpcError, Channel
from grpc_health.v1 import health_pb2, health_pb2_grpc

import everlog
from everlog.recorded import Head
from everlog.status import error_from_rpc
from everlog_server.cli.event_json import head_fields
from everlog_server.cli.failures import run
from everlog_server.cli.rendering import Output, shown_time
from everlog_server.cli.target import Target, client_options
from everlog_server.model import DEFAULT_TENANT


@click.command()
@client_options
def status(*, target: Target) -> None:
    """Say how the server is, and where the tenant's log ends; exit with 5 if out of reach."""
    run(_status(target))


async def _status(target: Target) -> None:
    async with target.connect() as client:
        health = await _health(client.channel, target.timeout_seconds)
        began = time.perf_counter()
        head = await client.head()
        answered_seconds = time.perf_counter() - began
        tenant = target.tenant or _own_tenant(await client.who_am_i())
    output = Output(as_json=target.json)
    if target.json:
        facts: dict[str, Any] = {
            "url": target.url,
            "tenant": tenant,
            "health": health,
            "head": head_fields(head),
            "answered_seconds": round(answered_seconds, 6),
            "client_version": version("everlog"),
        }
        output.document(facts)
    else:
        output.facts(
            {
                "server": target.url,
                "health": health,
                "tenant": tenant,
                "head": _head_text(head),
                "answered in": f"{answered_seconds * 1000:.1f} ms",
                "client": version("everlog"),
            }
        )
    output.flush()


def _own_tenant(me: everlog.Identity) -> str:
    """The tenant of calls that name none."""
    return next(iter(me.grant.tenants), DEFAULT_TENANT)


async def _health(channel: Channel, timeout_seconds: float) -> str:
    stub = health_pb2_grpc.HealthStub(channel)
    try:
        answer = await stub.Check(  # type: ignore[attr-defined] # set in its __init__
            health_pb2.HealthCheckRequest(), timeout=timeout_seconds
        )
    except AioRpcError as failure:
        raise error_from_rpc(failure) from None
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status).lower()


def _head_text(head: Head) -> str:
    if head.record_time is None:
        return "the log is empty"
    age = datetime.now(UTC) - head.record_time
    seconds = max(int(age.total_seconds()), 0)
    return (
        f"position {head.position:,}, recorded {shown_time(head.record_time)} ({seconds:,} s ago)"
    )
