"""`everlog doctor`: what is wrong with a deployment, and what mends it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc

import everlog
from everlog.address import parse_address
from everlog_server import doctor as room
from everlog_server import settings
from everlog_server.cli.failures import ExitCode, say
from everlog_server.cli.options import settings_options
from everlog_server.cli.rendering import Output, visible
from everlog_server.doctor.exposure import examine_exposure
from everlog_server.doctor.findings import Finding, Severity, fine, problem, warning
from everlog_server.errors import EverlogError, StorageUnavailableError
from everlog_server.settings import Settings
from everlog_server.storage.postmaster import running_embedded
from everlog_server.storage.provision import configured_dsn, described

_MARKS = {
    Severity.FINE: click.style("fine   ", fg="green"),
    Severity.UNKNOWN: click.style("unknown", fg="cyan"),
    Severity.WARNING: click.style("warning", fg="yellow"),
    Severity.PROBLEM: click.style("PROBLEM", fg="red", bold=True),
}
_SERVER_SECONDS = 5.0


@click.command()
@click.option(
    "--url",
    envvar="EVERLOG_URL",
    show_envvar=True,
    help="The server. Default: the one that these settings make.",
)
@click.option(
    "--ca",
    envvar="EVERLOG_CA",
    show_envvar=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM file of the authorities to trust with TLS. Default: the system's.",
)
@click.option(
    "--transaction-seconds",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="From when on an open transaction is a long one.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding, a line each.")
@settings_options("server", "identity", "storage", "append")
def doctor(
    loaded: Settings,
    *,
    url: str | None,
    ca: Path | None,
    transaction_seconds: float,
    as_json: bool,
) -> None:
    """Look at a deployment, say what is wrong with it, and what mends it. Changes nothing.

    Takes the settings of `everlog serve`: the same flags, variables and file. Exit codes: 0 fine,
    6 there are warnings, 7 there are problems, 5 the database is out of reach.
    """
    worst = Severity.FINE
    output = Output(as_json=as_json)
    try:
        for finding in _findings(loaded, url, ca, transaction_seconds):
            worst = max(worst, finding.severity)
            _show(output, finding)
    except StorageUnavailableError as error:
        output.flush()
        say(settings.redact(error.message))
        sys.exit(ExitCode.UNAVAILABLE)
    except EverlogError as error:
        output.flush()
        say(settings.redact(error.message))
        sys.exit(ExitCode.REFUSED)
    output.flush()
    if worst is Severity.PROBLEM:
        sys.exit(ExitCode.PROBLEMS)
    if worst is Severity.WARNING:
        sys.exit(ExitCode.WARNINGS)


def _findings(
    loaded: Settings, url: str | None, ca: Path | None, transaction_seconds: float
) -> Iterator[Finding]:
    storage = loaded.storage
    if storage.database_url is None:
        embedded = running_embedded(storage.data_dir)
        yield from room.examine_disk(embedded.data_dir)
        dsn, description = embedded.dsn, f"embedded PostgreSQL in {embedded.data_dir}"
    else:
        dsn, description = configured_dsn(storage), described(storage.database_url)
    yield fine("database", description)
    yield from examine_exposure(loaded)
    yield from room.examine(dsn, loaded, transaction_seconds=transaction_seconds)
    host = loaded.server.host if ":" not in loaded.server.host else f"[{loaded.server.host}]"
    scheme = "everlog" if loaded.server.tls_certificate is None else "everlogs"
    trusted = None if ca is None else ca.read_bytes()
    yield asyncio.run(_server(url or f"{scheme}://{host}:{loaded.server.port}", trusted))


async def _server(url: str, trusted: bytes | None) -> Finding:
    """Whether the server answers, and says that it serves."""
    try:
        parse_address(url)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None
    async with everlog.connect(
        url, timeout_seconds=_SERVER_SECONDS, backoff=None, root_certificates=trusted
    ) as client:
        stub = health_pb2_grpc.HealthStub(client.channel)
        request = health_pb2.HealthCheckRequest()
        try:
            answer = await stub.Check(  # type: ignore[attr-defined] # set in its __init__
                request, timeout=_SERVER_SECONDS
            )
        except AioRpcError as failure:
            if failure.code() is StatusCode.UNAVAILABLE:
                return warning(
                    "server",
                    f"nobody answers at {url}",
                    why="the database may be fine: no server does anything with it",
                    command="everlog serve; or say --url where the server is",
                )
            return problem(
                "server",
                f"{url} answers {failure.code().name}",
                why="it is not a healthy everlog",
                command="look into its log; is --url right?",
            )
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return problem(
            "server",
            f"{url} answers {status}",
            why="it takes no calls: it stops, or has not started",
            command="look into its log",
        )
    return fine("server", f"{url} serves")


def _show(output: Output, finding: Finding) -> None:
    if output.as_json:
        fields: dict[str, Any] = asdict(finding) | {"severity": finding.severity.name.lower()}
        output.document({k: v for k, v in fields.items() if v})
        return
    mark = _MARKS[finding.severity]
    check = f"{finding.check:<15}"
    output.line(
        f"{mark if output.terminal else click.unstyle(mark)}  {check} {visible(finding.what)}"
    )
    if finding.why:
        output.line(f"{'':26}{visible(finding.why)}")
    if finding.command:
        output.line(f"{'':26}→ {visible(finding.command)}")
