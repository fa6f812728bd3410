"""Where a server listens: `everlog://host:port`, taken apart."""

from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORT = 7420
DEFAULT_URL = f"everlog://127.0.0.1:{DEFAULT_PORT}"
"""Where a server listens unless it is told otherwise: on this machine."""

_SCHEMES = {"everlog": False, "everlogs": True}


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address, and whether to speak TLS with it."""

    host: str
    port: int
    tls: bool

    @property
    def target(self) -> str:
        """The address as gRPC takes it, such as `127.0.0.1:7420` or `[::1]:7420`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{'everlogs' if self.tls else 'everlog'}://{self.target}"


def parse_address(url: str) -> Address:
    """Take a URL apart: `everlog://host:port`, `everlogs://…` for TLS, or plain `host:port`.

    The port is 7420 when absent. Raises ValueError for anything else, also for a path, a query or
    credentials: a token is passed to `connect`, where it cannot end up in a log by accident.
    """
    parts = urlsplit(url if "://" in url else f"everlog://{url}")
    if parts.scheme not in _SCHEMES:
        raise ValueError(f"{url!r}: the scheme is {parts.scheme!r}, expected everlog or everlogs")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with credentials: pass the token separately")
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has more than a host and a port")
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r}: {error}") from None
    if port == 0:
        raise ValueError(f"{url!r}: nobody listens on port 0")
    return Address(host=parts.hostname, port=port or DEFAULT_PORT, tls=_SCHEMES[parts.scheme])
