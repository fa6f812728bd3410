"""What a client is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass

from everlog.address import Address
from everlog.channel import Credentials
from everlog.retry import Backoff

DEFAULT_TIMEOUT_SECONDS = 30.0
# Short enough for who has mistyped an address, long enough for a server that is just starting.
DEFAULT_CONNECT_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client was told when it was made; see `connect`."""

    address: Address
    tenant: str | None
    credentials: Credentials
    timeout_seconds: float | None
    """Bounds each emit and each unary read, retries included; None: no bound."""

    connect_timeout_seconds: float | None
    """Bounds the wait of an emit or a unary read for the first connection; None: no bound."""

    backoff: Backoff | None
    """How to wait between retries; None: nothing is retried or resumed."""

    make_idempotency_keys: bool = False
    """Whether events without an idempotency key are given a random one."""
