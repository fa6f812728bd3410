"""Which server, which tenant, and how to show what it says: the options of every client command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import everlog
from everlog.address import DEFAULT_URL, parse_address
from everlog.retry import Backoff

_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a command's calls go, and how its results are shown."""

    url: str
    tenant: str | None
    token: str | None = field(repr=False)
    ca: Path | None
    client_certificate: Path | None
    client_key: Path | None
    timeout_seconds: float
    json: bool

    def connect(self, *, retries: bool = False) -> everlog.Client:
        """Make a client; without `retries` a failure is told at once."""
        return everlog.connect(
            self.url,
            tenant=self.tenant,
            token=self.token,
            timeout_seconds=self.timeout_seconds,
            backoff=Backoff() if retries else None,
            root_certificates=_content(self.ca, "--ca"),
            client_certificate=_content(self.client_certificate, "--client-certificate"),
            client_key=_content(self.client_key, "--client-key"),
        )


def _content(file: Path | None, option: str) -> bytes | None:
    try:
        return None if file is None else file.read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint=option) from None


def _checked_url(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    try:
        parse_address(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return url


def _ascii(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    # They travel as headers of the call, which have no other characters.
    if text is not None and not (text.isascii() and text.isprintable()):
        raise click.BadParameter("expected printable ASCII characters only")
    return text


def client_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of every client command, and pass them on as a `target`."""

    @click.option(
        "--url",
        envvar="EVERLOG_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        callback=_checked_url,
        help="The server: everlog://HOST:PORT, or everlogs:// for TLS.",
    )
    @click.option(
        "--tenant",
        envvar="EVERLOG_TENANT",
        show_envvar=True,
        callback=_ascii,
        help="Whose log. Default: the token's first, or `default` where none is asked for.",
    )
    @click.option(
        "--token",
        envvar="EVERLOG_TOKEN",
        show_envvar=True,
        callback=_ascii,
        help="The caller's token.",
    )
    @click.option(
        "--ca",
        envvar="EVERLOG_CA",
        show_envvar=True,
        type=_FILE,
        help="PEM file of the authorities to trust with everlogs://. Default: the system's.",
    )
    @click.option(
        "--client-certificate",
        envvar="EVERLOG_CLIENT_CERTIFICATE",
        show_envvar=True,
        type=_FILE,
        help="PEM file of the caller's certificate.",
    )
    @click.option(
        "--client-key",
        envvar="EVERLOG_CLIENT_KEY",
        show_envvar=True,
        type=_FILE,
        help="PEM file of its key.",
    )
    @click.option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for an answer.",
    )
    @click.option("--json", "as_json", is_flag=True, help="JSON lines on stdout, nothing else.")
    @functools.wraps(command)
    def with_target(
        *,
        url: str,
        tenant: str | None,
        token: str | None,
        ca: Path | None,
        client_certificate: Path | None,
        client_key: Path | None,
        timeout_seconds: float,
        as_json: bool,
        **options: Any,
    ) -> None:
        if (client_certificate is None) != (client_key is None):
            raise click.UsageError("--client-certificate and --client-key go together")
        target = Target(
            url=url,
            tenant=tenant,
            token=token,
            ca=ca,
            client_certificate=client_certificate,
            client_key=client_key,
            timeout_seconds=timeout_seconds,
            json=as_json,
        )
        command(target=target, **options)

    return with_target
