"""The sequencers of a process: one for each tenant that is written to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from everlog_server.append.flights import Committed
from everlog_server.append.judging import FrameRecord
from everlog_server.append.sequencer import Sequencer
from everlog_server.settings import AppendSettings
from everlog_server.storage.appends import AppendConnection


class Sequencers:
    """Makes, finds and stops sequencers."""

    def __init__(
        self,
        *,
        settings: AppendSettings,
        answer_timeout_seconds: float,
        connect: Callable[[int], Awaitable[AppendConnection]],
        frame_record: FrameRecord,
        on_committed: Callable[[int, Committed], None],
    ) -> None:
        self._settings = settings
        self._answer_timeout_seconds = answer_timeout_seconds
        self._connect = connect
        self._frame_record = frame_record
        self._on_committed = on_committed
        self._sequencers: dict[int, Sequencer] = {}

    def of(self, tenant_id: int) -> Sequencer:
        """The sequencer of a tenant. It connects when it gets its first request."""
        sequencer = self._sequencers.get(tenant_id)
        if sequencer is None:
            sequencer = self._sequencers[tenant_id] = Sequencer(
                tenant_id,
                settings=self._settings,
                answer_timeout_seconds=self._answer_timeout_seconds,
                connect=self._connect,
                frame_record=self._frame_record,
                on_committed=self._on_committed,
            )
        return sequencer

    async def stop(self, grace_seconds: float) -> None:
        """Stops all of them: new requests are refused, waiting ones finish within the grace."""
        await asyncio.gather(*(s.stop(grace_seconds) for s in self._sequencers.values()))
