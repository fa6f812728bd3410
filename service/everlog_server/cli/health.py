"""`everlog health`: whether a server takes calls, for probes."""

from __future__ import annotations

import click
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc

import everlog
from everlog.status import error_from_rpc
from everlog_server.cli.failures import run
from everlog_server.cli.rendering import Output
from everlog_server.cli.target import Target, client_options


@click.command()
@click.option(
    "--service",
    default="",
    metavar="NAME",
    help="One service, such as everlog.v1.EventStoreService. Default: the server.",
)
@client_options
def health(*, target: Target, service: str) -> None:
    """Ask a server whether it takes calls; exit with 0 if it does, with 5 if not.

    It asks nothing of PostgreSQL, and stays well while that is away: `everlog status` goes the
    whole way. It needs no token.
    """
    run(_health(target, service))


async def _health(target: Target, service: str) -> None:
    async with target.connect() as client:
        stub = health_pb2_grpc.HealthStub(client.channel)
        request = health_pb2.HealthCheckRequest(service=service)
        try:
            answer = await stub.Check(  # type: ignore[attr-defined] # set in its __init__
                request, timeout=target.timeout_seconds
            )
        except AioRpcError as failure:
            raise error_from_rpc(failure) from None
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise everlog.ServerDraining(f"{target.url} answers {status}: it takes no calls")
    output = Output(as_json=target.json)
    if target.json:
        output.document({"url": target.url, "health": status.lower()})
    else:
        output.line(status.lower())
    output.flush()
