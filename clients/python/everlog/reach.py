"""Whether a client has ever been connected to its server.

Until it has, the address may be wrong or nobody be there: what waits is given up after the connect
timeout. Later a server that is away is expected back, and is waited for as long as each call
allows.
"""

from __future__ import annotations

import asyncio
import contextlib
import math

from grpc import ChannelConnectivity
from grpc.aio import Channel

from everlog.address import Address
from everlog.errors import ConnectionLost, EverlogError

_UNDECIDED = (ChannelConnectivity.IDLE, ChannelConnectivity.CONNECTING)


class Reach:
    """What is known of the way to one server. Deadlines are on the event loop's clock."""

    def __init__(
        self, channel: Channel, address: Address, *, timeout_seconds: float | None
    ) -> None:
        self._channel = channel
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._noted = False

    def note(self) -> None:
        """Keep in mind that the server has answered."""
        self._noted = True

    @property
    def is_connected(self) -> bool:
        """Whether the client is, or has been, connected."""
        if not self._noted:
            self._noted = self._channel.get_state() is ChannelConnectivity.READY
        return self._noted

    def deadline(self) -> float:
        """Say when a search that begins now is given up; infinity: never."""
        if self._timeout_seconds is None or self.is_connected:
            return math.inf
        return asyncio.get_running_loop().time() + self._timeout_seconds

    def is_over(self, deadline: float, *, after_seconds: float = 0.0) -> bool:
        """Whether a search with this deadline is to be given up now, or by then."""
        now = asyncio.get_running_loop().time()
        return deadline <= now + after_seconds and not self.is_connected

    async def search(
        self, deadline: float, *, call_deadline: float, last: EverlogError | None
    ) -> None:
        """Wait until there is a connection, or an attempt at a first one has failed.

        Raises ConnectionLost when the search is over; returns when the call's own deadline is.
        """
        if deadline == math.inf or self.is_connected:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(deadline, call_deadline)):
                while (state := self._channel.get_state(try_to_connect=True)) in _UNDECIDED:
                    await self._channel.wait_for_state_change(state)
        if self.is_over(deadline):
            raise self.failure(last)

    def failure(self, last: EverlogError | None) -> ConnectionLost:
        """Make the error that says so; `last` is what went wrong with the latest attempt."""
        message = (
            f"no server could be reached at {self._address} within {self._timeout_seconds:g} s"
        )
        return ConnectionLost(message if last is None else f"{message}: {last.message}")
