"""JWTs: who shows one is who its issuer says, and may do what its claims say.

Signed by RS256, ES256 or EdDSA, with a key of the issuer's set, for this server, and not expired:
nothing else is taken. The algorithm is that of the key, so that neither `none` nor HS256 with a
public key for a secret can be chosen by who shows it. The signature is verified before any claim
is looked at, and what is wrong is told without a word of what was shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
import structlog

from everlog_server.errors import BadRequestError, UnauthenticatedError
from everlog_server.identity.callers import Caller
from everlog_server.identity.grants import check_grant, text_problem
from everlog_server.identity.names import roles_of
from everlog_server.identity.token_secrets import digest_of
from everlog_server.model import Grant, Role

if TYPE_CHECKING:
    from everlog_server.identity.key_sets import KeySet
    from everlog_server.identity.known import KnownCallers
    from everlog_server.settings import IdentitySettings

JWT_BYTES_MAX = 16 * 1024
_ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
_SUBJECT_BYTES_MAX = 251
"""With `jwt:` before it, it is an actor."""
_EXPIRY_MAX = 253_402_300_799
"""The end of the year 9999, in seconds since 1970: beyond, nobody can be told when."""
_MALFORMED = (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError, RecursionError)

_log = structlog.get_logger(__name__)


class Jwts:
    """Who is known by a JWT."""

    def __init__(self, keys: KeySet, known: KnownCallers, settings: IdentitySettings) -> None:
        self._keys = keys
        self._known = known
        self._settings = settings
        self._default_roles = settings.jwt_default_roles.split()
        self._default_tenants = settings.jwt_default_tenants.split()
        keys.listen(self._follow_keys)

    async def identify(self, text: str) -> Caller:
        """Who shows it; raises UnauthenticatedError, StorageUnavailableError."""
        if len(text) > JWT_BYTES_MAX or not text.isascii() or text.count(".") != 2:
            raise _neither()
        kid, algorithm = _header_of(text)
        key = await self._keys.find(kid, algorithm)
        if key is None:
            raise UnauthenticatedError("the JWT is signed by no key that this server knows")
        claims = self._verified(text, key.key, key.algorithm)
        caller = self._caller_of(claims)
        return self._known.put(digest_of(text), caller, key.thumbprint)

    def _follow_keys(self) -> None:
        """Forgets who is known by a key that is none any more."""
        for entry in self._known:
            if entry.caller.identity.startswith("jwt:") and not self._keys.has(entry.source):
                self._known.forget(entry)

    def _verified(self, text: str, key: Any, algorithm: str) -> dict[str, Any]:
        settings = self._settings
        try:
            return jwt.decode(
                text,
                key,
                algorithms=[algorithm],
                audience=settings.jwt_audience,
                issuer=settings.jwt_issuer,
                leeway=settings.jwt_leeway_seconds,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("the JWT has expired") from None
        except jwt.ImmatureSignatureError:
            raise UnauthenticatedError("the JWT is not valid yet") from None
        except jwt.InvalidAudienceError:
            raise UnauthenticatedError("the JWT is not for this server's audience") from None
        except jwt.InvalidIssuerError:
            raise UnauthenticatedError("the JWT is of another issuer") from None
        except jwt.MissingRequiredClaimError as error:
            raise UnauthenticatedError(f"the JWT lacks the claim {error.claim}") from None
        except _MALFORMED:
            raise UnauthenticatedError("the JWT's signature or form is wrong") from None

    def _caller_of(self, claims: dict[str, Any]) -> Caller:
        try:
            subject = claims["sub"]
            problem = text_problem(subject, _SUBJECT_BYTES_MAX) if subject else "is empty"
            if problem is not None:
                raise ValueError(f"sub {problem}")
            expires_at = int(claims["exp"]) + self._settings.jwt_leeway_seconds
            if expires_at > _EXPIRY_MAX:
                raise ValueError("exp is beyond the year 9999")
            grant = self._grant_of(claims)
            check_grant(grant, "claims")
        except (BadRequestError, ValueError) as error:
            # It is its issuer's, and verified: what is wrong with it may be told.
            raise UnauthenticatedError(f"the JWT grants nothing: {error}") from None
        return Caller(identity=f"jwt:{subject}", grant=grant, expires_at=expires_at)

    def _grant_of(self, claims: dict[str, Any]) -> Grant:
        """Raises ValueError. A claim of a wrong kind is not as good as none: that would widen."""
        named = self._settings
        roles = roles_of(_texts(claims, named.jwt_roles_claim, self._default_roles))
        if Role.OPERATOR in roles and not named.jwt_operators:
            raise ValueError("its role operator is not taken: identity.jwt_operators is not set")
        return Grant(
            roles=roles,
            tenants=tuple(_texts(claims, named.jwt_tenants_claim, self._default_tenants)),
            aggregate_types=tuple(_texts(claims, named.jwt_aggregate_types_claim, [])),
            event_types=tuple(_texts(claims, named.jwt_event_types_claim, [])),
            own_only=_flag(claims, named.jwt_own_only_claim, default=named.jwt_own_only),
            actor=_text(claims, named.jwt_actor_claim),
            user_id=_text(claims, named.jwt_user_id_claim),
        )


def _header_of(text: str) -> tuple[str | None, str]:
    """The name of the key, and an algorithm that we take; raises UnauthenticatedError."""
    try:
        header = jwt.get_unverified_header(text)
    except _MALFORMED:
        raise UnauthenticatedError(
            "what is shown is neither a token of everlog nor a JWT"
        ) from None
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _ALGORITHMS:
        raise UnauthenticatedError(
            f"the JWT's algorithm is not taken: {', '.join(sorted(_ALGORITHMS))} are"
        )
    if "crit" in header or header.get("b64", True) is not True:
        raise UnauthenticatedError("the JWT asks for an extension that this server does not know")
    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise UnauthenticatedError("the JWT's kid is no text")
    return kid, algorithm


def _value(claims: dict[str, Any], name: str) -> Any:
    """A claim: by its whole name, else, with dots in it, inside of others. None: there is none."""
    if not name:
        return None
    if name in claims:
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _texts(claims: dict[str, Any], name: str, default: list[str]) -> list[str]:
    value = _value(claims, name)
    if value is None:
        return default
    texts = value.split() if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(one, str) and one for one in texts):
        raise ValueError(f"the claim {name} is neither a text nor a list of texts")
    if not texts:
        # Empty limits would be none: who was given an empty list is not meant to have everything.
        raise ValueError(f"the claim {name} is empty")
    return list(dict.fromkeys(texts))


def _text(claims: dict[str, Any], name: str) -> str:
    value = _value(claims, name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"the claim {name} is no text")
    return value


def _flag(claims: dict[str, Any], name: str, *, default: bool) -> bool:
    value = _value(claims, name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"the claim {name} is neither true nor false")
    return value


def _neither() -> UnauthenticatedError:
    return UnauthenticatedError("what is shown is neither a token of everlog nor a JWT")
