"""The public keys by which JWTs are verified: a JWKS, of a file or an address.

They are fetched apart from the calls: every few minutes, and once more when a JWT names a key that
is not among them, at most every 10 s, whatever is shown to us. When a fetch fails, the keys of
before go on; so an issuer that is away refuses nobody who has a JWT of its.

Only keys that sign, by one of three algorithms, are taken. Each has one algorithm, by its own
kind: what a JWT says of itself chooses nothing.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError

from everlog_server.errors import EverlogError, StorageUnavailableError

_BYTES_MAX = 1024 * 1024
_KEYS_MAX = 100
_RSA_BITS_MIN = 2048
_FETCH_SECONDS = 5.0
_AGAIN_SECONDS = 10.0
FILE_REFRESH_SECONDS = 10.0
"""A file costs little."""

_log = structlog.get_logger(__name__)


class KeysError(EverlogError):
    """The keys can't be fetched, or are none."""


class VerificationKey(NamedTuple):
    """A public key, and the only algorithm it is for."""

    kid: str | None
    algorithm: str
    key: Any
    thumbprint: str
    """What it is: another key under the same name has another."""


class KeySet:
    """The keys that hold now. Run `run` as a task.

    `read` gives the text of a JWKS, from another thread; raises KeysError.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        *,
        refresh_seconds: float,
        again_seconds: float = _AGAIN_SECONDS,
    ) -> None:
        self._read = read
        self._refresh_seconds = refresh_seconds
        self._again_seconds = again_seconds
        self._keys: tuple[VerificationKey, ...] | None = None
        self._asked_at = -again_seconds
        self._fetching: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[], None]] = []

    def listen(self, on_change: Callable[[], None]) -> None:
        """Has it called when there are other keys than before."""
        self._listeners.append(on_change)

    async def find(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        """The key of a JWT; None: there is none. StorageUnavailableError: there are no keys yet."""
        found = self._among(kid, algorithm)
        if found is None:
            await self._fetch_once_more()
            found = self._among(kid, algorithm)
        if self._keys is None:
            raise StorageUnavailableError("the keys of JWTs can't be fetched: try again soon")
        return found

    def has(self, thumbprint: str) -> bool:
        """Whether a key is still among them."""
        return any(one.thumbprint == thumbprint for one in self._keys or ())

    async def run(self) -> None:
        """Fetches them now and then, for ever."""
        while True:
            await self._fetch()
            # Without any, nobody who has a JWT is let in: sooner, then.
            away = self._keys is None
            await asyncio.sleep(
                min(self._again_seconds, self._refresh_seconds) if away else self._refresh_seconds
            )

    def _among(self, kid: str | None, algorithm: str) -> VerificationKey | None:
        fitting = [one for one in self._keys or () if one.algorithm == algorithm]
        if kid is not None:
            return next((one for one in fitting if one.kid == kid), None)
        # It says none: only if it can't be another.
        return fitting[0] if len(fitting) == 1 else None

    async def _fetch_once_more(self) -> None:
        if self._fetching is None and time.monotonic() - self._asked_at < self._again_seconds:
            return
        await self._fetch()

    async def _fetch(self) -> None:
        """One at a time: who comes while one is under way waits for that one."""
        if self._fetching is None:
            self._asked_at = time.monotonic()
            self._fetching = asyncio.create_task(self._fetch_now())
        # Shielded: that a caller goes is no reason to leave the others without keys.
        await asyncio.shield(self._fetching)

    async def _fetch_now(self) -> None:
        try:
            keys = tuple(keys_in(await asyncio.to_thread(self._read)))
        except KeysError as error:
            _log.warning("jwt_keys_kept", why=error.message)
        except Exception:
            # Whatever they have published there: it must not end the server.
            _log.exception("jwt_keys_kept")
        else:
            if keys != self._keys:
                _log.info("jwt_keys", kids=[one.kid for one in keys])
                self._keys = keys
                for on_change in self._listeners:
                    on_change()
        finally:
            self._fetching = None


def keys_in(text: bytes) -> Iterator[VerificationKey]:
    """The keys of a JWKS that are for JWTs; raises KeysError if that is what it is not."""
    try:
        found = json.loads(text)["keys"]
        if not isinstance(found, list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeysError("what was read is no JWKS: an object with a list of keys") from None
    if len(found) > _KEYS_MAX:
        raise KeysError(f"the JWKS has {len(found):,} keys; at most {_KEYS_MAX}")
    for jwk in found:
        key = _key_of(jwk)
        if key is not None:
            yield key


def _key_of(jwk: Any) -> VerificationKey | None:
    """None: it encrypts, is weak, private, symmetric, or of a kind that we don't know."""
    # As a list: what was published may be of any kind, also of one that can't be in a set.
    if not isinstance(jwk, Mapping) or jwk.get("kty") not in ["RSA", "EC", "OKP"]:
        return None
    if jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}[jwk["kty"]]
    if jwk.get("alg", algorithm) not in [algorithm, "Ed25519"]:
        return None
    kid = jwk.get("kid")
    try:
        key = PyJWK({**jwk, "alg": algorithm}).key
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_right = {
        "RS256": isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN,
        "ES256": isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1),
        "EdDSA": isinstance(key, Ed25519PublicKey),
    }[algorithm]
    if not is_right or not (kid is None or isinstance(kid, str)):
        return None
    public = {name: jwk[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in jwk}
    return VerificationKey(kid, algorithm, key, json.dumps([kid, public], sort_keys=True))


def from_file(file: Path) -> Callable[[], bytes]:
    """Reads a JWKS from a file."""

    def read() -> bytes:
        try:
            with file.open("rb") as opened:
                return _bounded(opened.read(_BYTES_MAX + 1))
        except OSError as error:
            raise KeysError(f"{file} can't be read: {error.strerror}") from None

    return read


def from_url(url: str) -> Callable[[], bytes]:
    """Fetches a JWKS: in 5 s, 1 MiB at most, and from this address only."""
    handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
    if urlsplit(url).scheme == "http":
        handlers.append(urllib.request.ProxyHandler({}))  # it is of this machine
    opener = urllib.request.build_opener(*handlers)

    def fetch() -> bytes:
        deadline = time.monotonic() + _FETCH_SECONDS
        text = b""
        try:
            with opener.open(url, timeout=_FETCH_SECONDS) as answer:
                # What each wait may take bounds no server that sends a byte now and then.
                while piece := answer.read1(64 * 1024):
                    text = _bounded(text + piece)
                    if time.monotonic() > deadline:
                        raise KeysError(f"{url} takes longer than {_FETCH_SECONDS:g} s")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise KeysError(f"{url} can't be fetched: {error}") from None
        return text

    return fetch


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """An address that sends us elsewhere, to http perhaps, is not the one that was meant."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _bounded(text: bytes) -> bytes:
    if len(text) > _BYTES_MAX:
        raise KeysError(f"the JWKS has more than {_BYTES_MAX:,} bytes")
    return text
