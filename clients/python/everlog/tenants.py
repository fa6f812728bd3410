"""Tenants, as operators see them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Tenant(NamedTuple):
    """A tenant: one log, apart from all others."""

    name: str
    created_time: datetime
    frozen_time: datetime | None
    """Since when it takes no events; None: it takes them."""
    head_position: int

    @property
    def frozen(self) -> bool:
        """Whether it takes no events."""
        return self.frozen_time is not None
