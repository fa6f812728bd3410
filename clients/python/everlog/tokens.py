"""Tokens, and what who has one may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from everlog.v1 import admin_pb2

Role = Literal["emit", "read", "consume", "admin", "operator"]
"""What a caller may do; see the proto's enum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a caller may do; see the proto's message."""

    roles: Sequence[Role]
    tenants: Sequence[str] = ()
    """Those it may name; the first is its own. Empty, for operators only: all."""
    aggregate_types: Sequence[str] = ()
    event_types: Sequence[str] = ()
    own_only: bool = False
    """Only events that carry its `user_id`."""
    actor: str = ""
    user_id: str = ""
    acts_for_others: bool = False
    events_per_second: int = 0
    calls_per_second: int = 0

    def __post_init__(self) -> None:
        for name in ("roles", "tenants", "aggregate_types", "event_types"):
            if isinstance(getattr(self, name), str):
                raise TypeError(f"{name} takes a sequence of texts, not one text")

    def to_message(self) -> admin_pb2.Grant:
        """Encode the grant. Raises ValueError for a role that is none."""
        return admin_pb2.Grant(
            roles=[admin_pb2.Role.Value(f"ROLE_{role.upper()}") for role in self.roles],
            tenants=self.tenants,
            aggregate_types=self.aggregate_types,
            event_types=self.event_types,
            own_only=self.own_only,
            actor=self.actor,
            user_id=self.user_id,
            acts_for_others=self.acts_for_others,
            events_per_second=self.events_per_second,
            calls_per_second=self.calls_per_second,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, without its secret."""

    name: str
    prefix: str
    """How its secret begins."""
    grant: Grant
    created_time: datetime
    expire_time: datetime | None
    revoked_time: datetime | None
    last_used_time: datetime | None
    """To about 10 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that was just created, and its secret, which is told only now."""

    token: Token
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the caller is, to the server."""

    identity: str
    """`token:` and its name, `jwt:` and its subject, `tls:` and its name, or `open`."""
    grant: Grant
    expire_time: datetime | None
