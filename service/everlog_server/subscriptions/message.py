"""What a subscription gives to its caller, message by message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class SubscriptionMessage:
    """Framed records, or a mark, and up to where the log was examined. May be shared."""

    records: bytes
    examined_position: int
    caught_up: bool = False
    fell_behind: bool = False
    heartbeat: bool = False
