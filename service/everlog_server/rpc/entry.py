"""Where every call enters: who makes it, whether it may, and which tenant it is about.

The guard makes a `Call` of each call's metadata, in one look; here the caller is found, and judged
by the one table (rights.py). Handlers of the same task ask for what came of it: `tenant_of`,
`call_of`. A context variable carries it, because a context of grpc.aio takes no attributes, and
one wrapped around it would cost each of its methods a call more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, TypeAlias

import grpc

from everlog_server.admission import CallerRates
from everlog_server.errors import (
    BadRequestError,
    FieldViolation,
    PermissionDeniedError,
    UnauthenticatedError,
)
from everlog_server.identity.callers import (
    OPEN_IDENTITY,
    Authenticator,
    Caller,
    Credentials,
    OpenDoor,
)
from everlog_server.model import DEFAULT_TENANT
from everlog_server.rpc.credentials import AUTHORIZATION, tls_names_of
from everlog_server.rpc.holding import Holding
from everlog_server.rpc.rights import Narrowing, Right, Rights, rights_of
from everlog_server.rpc.trace_context import TRACEPARENT

TENANT_HEADER = "everlog-tenant"

TENANT_NAME = re.compile(r"[a-z0-9._-]{1,63}")
_INVALID = "invalid"
_UNKNOWN = "unknown"

# Only the stubs of grpc know them as generic.
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Call:
    """One call: what its metadata say, and, once it is admitted, who makes it."""

    __slots__ = (
        "authorization",
        "caller",
        "end_softly",
        "has_two_authorizations",
        "holding",
        "named_tenant",
        "rates",
        "rights",
        "tenant",
        "traceparent",
    )

    caller: Caller
    """Who makes it. Not before it is known."""
    rights: Rights
    """What the caller may do. Not before it is known."""

    def __init__(
        self,
        metadata: Iterable[tuple[str, str | bytes]],
        rates: CallerRates,
        holding: Holding,
    ) -> None:
        self.rates = rates
        self.holding = holding
        """Ends what takes long when the caller does not hold any more."""
        self.tenant = ""
        """Its name. Empty until the call is admitted."""
        self.named_tenant: str | bytes | None = None
        self.traceparent: str | bytes | None = None
        """Unchecked; None: there is none."""
        self.authorization: str | bytes | None = None
        self.has_two_authorizations = False
        self.end_softly: Callable[[], object] | None = None
        """Of a stream that has something to say before it ends: lets it end by itself, soon."""
        for key, value in metadata:
            if key == TENANT_HEADER:
                # b"": refused, as everything is that is no text.
                self.named_tenant = value if self.named_tenant is None else b""
            elif key == TRACEPARENT:
                self.traceparent = value
            elif key == AUTHORIZATION:
                self.has_two_authorizations = self.authorization is not None
                self.authorization = value

    @property
    def identity(self) -> str:
        """Who makes it, as the log says it."""
        try:
            return self.caller.identity
        except AttributeError:
            return _UNKNOWN

    @property
    def shown_tenant(self) -> str:
        """The tenant as the log says it: that which it named, if it was not admitted."""
        if self.tenant:
            return self.tenant
        named = self.named_tenant
        if named is None:
            return DEFAULT_TENANT
        return named if isinstance(named, str) and TENANT_NAME.fullmatch(named) else _INVALID

    def admit(self, caller: Caller, right: Right) -> None:
        """Lets the caller in, if it may; raises PermissionDeniedError, BadRequestError."""
        self.caller = caller
        rights = self.rights = rights_of(caller)
        named = self.named_tenant
        if named is not None and not (isinstance(named, str) and TENANT_NAME.fullmatch(named)):
            raise BadRequestError(
                FieldViolation(
                    TENANT_HEADER,
                    "must be given at most once, as 1 to 63 characters of a-z, 0-9, . _ and -",
                )
            )
        if rights.tenants is None:
            tenant = DEFAULT_TENANT if named is None else named
        elif named is None and rights.tenants:
            tenant = rights.tenants[0]
        elif named in rights.tenants:
            tenant = named
        else:
            # The same words, whether there is such a tenant or not.
            raise PermissionDeniedError(
                f"{caller.identity} may not name the tenant {named or DEFAULT_TENANT!r}"
            )
        if right.role is not None and right.role not in rights.roles:
            raise PermissionDeniedError(
                f"{caller.identity} has not the role {right.role.name.lower()}, which this takes"
            )
        if rights.scope is not None and right.narrowing is Narrowing.REFUSED:
            raise PermissionDeniedError(
                f"{caller.identity} is limited to some events: {right.why_refused}"
            )
        self.tenant = tenant

    def pace(self) -> None:
        """Counts one call of the caller's; OverloadedError if it has had its calls of a second.

        An Emit of an EmitStream is one, too.
        """
        own = self.caller.grant.calls_per_second
        if own or self.rates.has_defaults:
            self.rates.begin_call(self._paced_name, own)

    def pace_events(self, events: int) -> None:
        """Counts events that are to be appended; raises OverloadedError likewise."""
        own = self.caller.grant.events_per_second
        if own or self.rates.has_defaults:
            self.rates.append(self._paced_name, own, events)

    @property
    def _paced_name(self) -> str:
        """Whose rates they are. Where nobody is asked who it is, a tenant counts as a caller."""
        identity = self.caller.identity
        return f"tenant:{self.tenant}" if identity == OPEN_IDENTITY else identity


_CALL: ContextVar[Call] = ContextVar("call")


class Entry:
    """The one place that every call of every service passes."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        certificates: bool = False,
        rates: CallerRates | None = None,
    ) -> None:
        """`certificates`: whether clients are asked for some, and so can be known by them.

        `rates`: what callers may ask for in a second. None: what their grants say.
        """
        self._rates = rates or CallerRates()
        self._authenticator = authenticator
        self._known = authenticator.known
        self._certificates = certificates
        self.holding = Holding(authenticator.holds)

    def begin(self, context: Context) -> Call:
        """The call, which nobody has judged yet; handlers of this task may ask for it from now."""
        call = Call(context.invocation_metadata() or (), self._rates, self.holding)
        _CALL.set(call)
        return call

    def known(self, call: Call, context: Context) -> Caller | None:
        """Who makes it, if that is known here already. Raises UnauthenticatedError."""
        return self._known(self._credentials(call, context))

    async def identify(self, call: Call, context: Context) -> Caller:
        """Who makes it. Raises UnauthenticatedError."""
        return await self._authenticator.identify(self._credentials(call, context))

    def _credentials(self, call: Call, context: Context) -> Credentials:
        authorization = call.authorization
        if call.has_two_authorizations or isinstance(authorization, bytes):
            # Whoever stands in front may have looked at the other one.
            raise UnauthenticatedError("the header authorization must be given at most once")
        tls_names = tls_names_of(context) if self._certificates else ()
        return Credentials(authorization, tls_names)


def open_entry() -> Entry:
    """For a server that asks for no identity."""
    return Entry(OpenDoor())


def call_of(context: Context) -> Call:
    """The call that this task handles."""
    del context  # of the same task: see above
    return _CALL.get()


def tenant_of(context: Context) -> str:
    """The name of the call's tenant, which the caller may name."""
    del context
    return _CALL.get().tenant
