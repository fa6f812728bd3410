"""The settings: name, default, bounds and meaning of each, once. Units are in the names."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

KIB = 1024
MIB = 1024 * KIB


def _setting(
    default: Any, doc: str, *, least: float = 0, most: float = math.inf, secret: bool = False
) -> Any:
    metadata = {"doc": doc, "least": least, "most": most, "secret": secret}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the service listens, and how it starts and stops."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(7420, "Port to listen on; 0: any free one.", most=65535)
    workers: int = _setting(1, "Processes that share the port.", least=1, most=256)
    drain_grace_seconds: float = _setting(10.0, "How long a stop waits for running calls.")
    keepalive_seconds: float = _setting(
        30.0, "Silence after which a connection is pinged.", least=1
    )
    connection_age_max_seconds: float | None = _setting(
        None, "Age at which a connection is renewed; 0: never. Default: 0, with workers 600."
    )
    connection_calls_max: int = _setting(
        2_000, "Calls of one connection at the same moment; more are UNAVAILABLE.", least=1
    )
    waiting_calls_max: int = _setting(
        2_000, "Calls that one process has not begun; more are ended, CANCELLED.", least=1
    )
    connections_max: int = _setting(
        10_000, "Connections of one process; one more is closed at once.", least=1
    )
    handshake_timeout_seconds: float = _setting(
        10.0, "Longest wait for a new connection to say that it speaks HTTP/2.", least=0.1
    )
    ready_file: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "File to write address and pid to, once serving."
    )
    tls_certificate: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "PEM file of the server's certificate and its chain. Default: no TLS."
    )
    tls_key: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "PEM file of the certificate's key, not encrypted."
    )
    tls_client_ca: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "PEM file of the authorities whose certificates clients must show. Default: none."
    )
    insecure: bool = _setting(False, "Listen beyond loopback though identity.mode is open.")


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """Who callers are: see docs/security.md. A JWT's claims are named, nested ones by dots."""

    mode: Literal["open", "required"] = _setting(
        "open", "Whether callers must prove who they are; open: everybody may do everything."
    )
    tls_grants_file: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "TOML file with the grants of clients' certificates, by their names."
    )
    jwt_keys_file: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "JWKS file with the public keys of JWTs."
    )
    jwt_keys_url: str | None = _setting(
        None, "Address of such a file, instead: https, or http on loopback."
    )
    jwt_issuer: str | None = _setting(None, "The `iss` that JWTs must have.")
    jwt_audience: str | None = _setting(None, "The `aud` that JWTs must have, maybe among others.")
    jwt_leeway_seconds: float = _setting(
        30.0, "How far the clock of who issues JWTs may be off.", most=300
    )
    jwt_keys_refresh_seconds: float = _setting(
        300.0, "How often the keys are fetched anew.", least=10, most=86_400
    )
    jwt_roles_claim: str = _setting(
        "everlog_roles", "Claim with roles: a list, or one text with spaces between."
    )
    jwt_tenants_claim: str = _setting("everlog_tenants", "Claim with tenants, likewise.")
    jwt_user_id_claim: str = _setting("sub", "Claim with the caller's user_id; empty: none.")
    jwt_actor_claim: str = _setting(
        "", "Claim with the caller's actor. Default: none, and the actor is `jwt:` and `sub`."
    )
    jwt_own_only_claim: str = _setting(
        "everlog_own_only", "Claim (true or false) that says whether a caller sees only its own."
    )
    jwt_own_only: bool = _setting(False, "What holds for JWTs without that claim.")
    jwt_aggregate_types_claim: str = _setting(
        "everlog_aggregate_types", "Claim with the aggregate types a caller is limited to."
    )
    jwt_event_types_claim: str = _setting(
        "everlog_event_types", "Claim with the event types a caller is limited to."
    )
    jwt_default_roles: str = _setting(
        "", "Roles of JWTs without that claim, with spaces between. Default: they are refused."
    )
    jwt_default_tenants: str = _setting(
        "", "Tenants of JWTs without that claim, with spaces between. Default: they are refused."
    )
    jwt_operators: bool = _setting(False, "Whether a JWT's claims may make an operator.")

    @property
    def has_jwts(self) -> bool:
        """Whether JWTs are taken."""
        return self.jwt_keys_file is not None or self.jwt_keys_url is not None


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Which PostgreSQL, and how it is used."""

    # Empty: libpq's own variables say it all. None: embedded.
    database_url: str | None = _setting(
        None, "Your PostgreSQL's URL. Default: libpq's PG* variables if set, else an embedded one."
    )
    database_password_file: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "File with the password for storage.database_url, instead of the password in it."
    )
    data_dir: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "Data folder of the embedded PostgreSQL."
    )
    ephemeral: bool = _setting(False, "Embedded PostgreSQL in a folder that is removed at the end.")
    migrate_at_start: bool = _setting(True, "Bring the schema up to date before serving.")
    reads_connections_max: int = _setting(6, "Connections for Get, Query and the like.", least=1)
    streams_connections_max: int = _setting(4, "Connections for Replay and catch-up.", least=1)
    statement_timeout_seconds: float = _setting(10.0, "Longest statement.", least=0.1)
    lock_timeout_seconds: float = _setting(5.0, "Longest wait for a lock.", least=0.1)
    connect_timeout_seconds: float = _setting(5.0, "Longest wait for a new connection.", least=1)


@dataclass(frozen=True, slots=True)
class AppendSettings:
    """The sequencer of each tenant."""

    queue_requests_max: int = _setting(10_000, "Emits of one tenant that may wait.", least=1)
    queue_bytes_max: int = _setting(
        64 * MIB, "Bytes of events of one tenant that may wait.", least=64 * KIB
    )
    queue_seconds_max: float = _setting(
        1.0, "How long the first that waits may have waited while others are let in.", least=0.01
    )
    queues_requests_max: int = _setting(
        20_000,
        "Emits of all tenants that may wait in one process; one tenant's never more than it leaves"
        " free for others.",
        least=2,
    )
    queues_bytes_max: int = _setting(
        128 * MIB, "Bytes of events of all tenants that may wait, likewise.", least=128 * KIB
    )
    batch_events_max: int = _setting(2000, "Events of one transaction.", least=1)
    batch_bytes_max: int = _setting(8 * MIB, "Bytes of one transaction.", least=64 * KIB)
    aggregates_remembered_max: int = _setting(
        200_000, "Aggregates whose last sequence is remembered.", least=1
    )
    commit_resolution_seconds: float = _setting(
        5.0, "How long to find out about a commit whose connection was lost."
    )
    linger_seconds_max: float = _setting(
        0.004, "How long a batch may wait for company while the process is busy; 0: never.", most=1
    )
    pipeline_depth: int = _setting(2, "Batches in flight.", least=1, most=16)
    connections_max: int = _setting(20, "Tenants that append at the same moment.", least=1)


@dataclass(frozen=True, slots=True)
class SubscriptionSettings:
    """The tail of each tenant's log, and those who follow it."""

    ring_bytes_max: int = _setting(16 * MIB, "Latest events kept in memory.", least=64 * KIB)
    poll_interval_seconds: float = _setting(1.0, "How often to look without a hint.", least=0.01)
    heartbeat_seconds: float = _setting(10.0, "Longest silence on a stream.", least=1, most=300)
    subscriptions_max: int = _setting(10_000, "Subscriptions of one process.", least=1)
    tenant_subscriptions_max: int = _setting(
        5_000, "Subscriptions of one tenant, of one process.", least=1
    )


@dataclass(frozen=True, slots=True)
class ProjectionSettings:
    """State tables that the log keeps up to date."""

    run: bool = _setting(True, "Whether the server works on projections.")
    accept_definitions: bool | None = _setting(
        None,
        "Whether callers may apply definitions, which are SQL that PostgreSQL runs. Default: only"
        " while the server listens on loopback.",
    )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What one caller may ask for; beyond it the call is refused."""

    event_bytes_max: int = _setting(1 * MIB, "One event.", least=KIB, most=64 * MIB)
    request_events_max: int = _setting(1000, "Events of one Emit.", least=1)
    request_bytes_max: int = _setting(4 * MIB, "One Emit.", least=KIB, most=256 * MIB)
    # An index row of two names and two numbers must stay below a third of a page (2,704 bytes).
    name_bytes_max: int = _setting(255, "One id, type or other name.", least=1, most=1000)
    metadata_entries_max: int = _setting(64, "Metadata entries of one event.")
    metadata_bytes_max: int = _setting(16 * KIB, "Metadata of one event.")
    page_events_max: int = _setting(1000, "Events of one page of a Query.", least=1)
    caller_calls_per_second: int = _setting(
        0, "Calls that one caller may begin, of one process; 0: any number.", most=1_000_000
    )
    caller_events_per_second: int = _setting(
        0, "Events that one caller may append, of one process; 0: any number.", most=1_000_000
    )


@dataclass(frozen=True, slots=True)
class NarratorSettings:
    """The language model that tells narratives on request. Without a key there is none."""

    api_key: str | None = _setting(None, "The key of Anthropic's API.", secret=True)
    api_key_file: Path | None = _setting(  # noqa: RUF009  it is a field()
        None, "File with the key of Anthropic's API, instead of the key itself."
    )
    model: str = _setting("claude-sonnet-5-5", "Which language model tells narratives.")
    base_url: str | None = _setting(None, "Another address of Anthropic's API.")
    timeout_seconds: float = _setting(30.0, "Longest wait for the language model.", least=0.1)
    output_tokens_max: int = _setting(2000, "Longest narrative, in tokens.", least=100)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What the server says about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = _setting("info", "Least severity.")
    format: Literal["auto", "json", "console"] = _setting(
        "auto", "JSON lines or readable lines; auto: readable in a terminal."
    )
    access: Literal["off", "failures", "all"] = _setting(
        "failures", "Which calls get a line when they have ended."
    )


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """Figures for Prometheus, by HTTP. They are the operator's: they tell of all tenants."""

    port: int | None = _setting(
        None,
        "Port of /metrics; of several workers, of the first one. Default: none.",
        least=1,
        most=65535,
    )
    host: str = _setting("127.0.0.1", "Address to serve /metrics on.")
    tenants_max: int = _setting(100, "Tenants with figures of their own, first come.")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings."""

    server: ServerSettings = ServerSettings()
    identity: IdentitySettings = IdentitySettings()
    storage: StorageSettings = StorageSettings()
    append: AppendSettings = AppendSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    projections: ProjectionSettings = ProjectionSettings()
    limits: LimitSettings = LimitSettings()
    narrator: NarratorSettings = NarratorSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()

    @property
    def accepts_definitions(self) -> bool:
        """Whether callers may apply definitions of projections."""
        if self.projections.accept_definitions is not None:
            return self.projections.accept_definitions
        return self.listens_on_loopback

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only programs of this machine can reach the server."""
        return is_loopback(self.server.host)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by an address that no other can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
