"""The calls of ConsumerService but Consume: a part of the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from google.protobuf.empty_pb2 import Empty

from everlog import filters
from everlog.connection import Calls
from everlog.consumers import (
    Consumer,
    ConsumerSettings,
    CreatedConsumer,
    EventProcessing,
    ParkedEvent,
    PendingEvent,
    ProcessingAction,
    consumer_of,
    parked_of,
    processing_of,
)
from everlog.filters import Filter
from everlog.recorded import RecordedEvent
from everlog.times import to_timestamp
from everlog.v1 import consumers_pb2

_PAGE_SIZE = 1_000
# One row each, with all of its members.
_CONSUMERS_PAGE_SIZE = 100
_ACTIONS = {
    "ack": consumers_pb2.SetProcessingRequest.ACTION_ACK,
    "retry": consumers_pb2.SetProcessingRequest.ACTION_RETRY,
    "park": consumers_pb2.SetProcessingRequest.ACTION_PARK,
}


class ConsumerCalls(Calls):
    """The methods of a client that are about consumers, seen from outside their streams.

    Those that would tell something else the second time (`delete_consumer`, `replay_parked`,
    `discard_parked`) are not repeated after an interruption. All but `create_consumer`, `consumers`
    and `processing` raise ConsumerNotFound for a name that nobody has.
    """

    async def create_consumer(
        self,
        name: str,
        settings: ConsumerSettings | None = None,
        *,
        after_position: int | None = None,
        from_time: datetime | None = None,
        from_now: bool = False,
    ) -> CreatedConsumer:
        """Create a consumer that starts at one place; none given: at the beginning of the log.

        One that is there with the same settings stays as and where it is. Raises ConsumerExists
        when it has other settings, CursorBeyondHead.
        """
        _check_start(after_position, from_time, from_now, required=False)
        request = consumers_pb2.CreateConsumerRequest(
            name=name,
            settings=settings.to_message() if settings else None,
            from_time=to_timestamp(from_time) if from_time else None,
            from_now=Empty() if from_now else None,
        )
        if after_position is not None:
            request.after_position = after_position
        connection = self._open
        response = await connection.read(connection.consumers.CreateConsumer, request)
        return CreatedConsumer(consumer_of(response.consumer), response.existed)

    async def update_consumer(
        self, name: str, settings: ConsumerSettings, *, expected_version: int = 0
    ) -> Consumer:
        """Replace all settings of a consumer; what is None has its default from now on.

        Raises VersionConflict when it is not at `expected_version` (0: whichever it is).
        """
        connection = self._open
        request = consumers_pb2.UpdateConsumerRequest(
            name=name, settings=settings.to_message(), expected_version=expected_version
        )
        response = await connection.read(connection.consumers.UpdateConsumer, request)
        return consumer_of(response.consumer)

    async def consumer(self, name: str) -> Consumer:
        """Tell how a consumer is set, and where it is."""
        connection = self._open
        request = consumers_pb2.GetConsumerRequest(name=name)
        response = await connection.read(connection.consumers.GetConsumer, request)
        return consumer_of(response.consumer)

    async def consumers(self, *, limit: int | None = None) -> AsyncGenerator[Consumer, None]:
        """Yield the tenant's consumers, by name, and where they are."""
        connection = self._open
        listing = connection.listing(
            connection.consumers.ListConsumers,
            consumers_pb2.ListConsumersRequest(),
            lambda page: page.consumers,
            limit=limit,
            page_size=_CONSUMERS_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield consumer_of(one)

    async def delete_consumer(self, name: str) -> None:
        """Delete a consumer, with all that is known of it. Its events stay in the log."""
        connection = self._open
        request = consumers_pb2.DeleteConsumerRequest(name=name)
        await connection.read(connection.consumers.DeleteConsumer, request, repeatable=False)

    async def reset_consumer(
        self,
        name: str,
        *,
        after_position: int | None = None,
        from_time: datetime | None = None,
        from_now: bool = False,
        discard_parked: bool = False,
    ) -> Consumer:
        """Let a consumer go on elsewhere, backwards or forwards: at exactly one place.

        What was in flight or waited for another attempt is forgotten; what is parked stays parked,
        and blocks nothing any more, unless `discard_parked`. Raises CursorBeyondHead.
        """
        _check_start(after_position, from_time, from_now, required=True)
        request = consumers_pb2.ResetConsumerRequest(
            name=name,
            from_time=to_timestamp(from_time) if from_time else None,
            from_now=Empty() if from_now else None,
            discard_parked=discard_parked,
        )
        if after_position is not None:
            request.after_position = after_position
        connection = self._open
        response = await connection.read(connection.consumers.ResetConsumer, request)
        return consumer_of(response.consumer)

    async def pending_events(
        self, consumer: str, *, limit: int | None = None
    ) -> AsyncGenerator[PendingEvent, None]:
        """Yield the events that a consumer has not finished.

        First those that failed and what they hold back, then what lies after the checkpoint; each
        part by position. Parked events that block nothing are not among them.
        """
        connection = self._open
        listing = connection.listing(
            connection.consumers.ListPending,
            consumers_pb2.ListPendingRequest(consumer=consumer),
            lambda page: page.events,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield PendingEvent(RecordedEvent(one.event), processing_of(one.processing))

    async def processing(self, event_id: str, *, consumer: str = "") -> list[EventProcessing]:
        """Tell what became of an event, with one consumer, or with each, by name.

        Raises EventNotFound, and, if a consumer is named, ConsumerNotFound.
        """
        connection = self._open
        request = consumers_pb2.GetProcessingRequest(event_id=event_id, consumer=consumer)
        response = await connection.read(connection.consumers.GetProcessing, request)
        return [processing_of(one) for one in response.processing]

    async def set_processing(
        self, consumer: str, event_id: str, action: ProcessingAction, *, reason: str = ""
    ) -> EventProcessing:
        """Decide about an event by hand: `ack`, `retry` or `park`.

        One that a member has in flight is taken from it. Raises EventNotFound, and EventNotPending
        when the consumer has finished it or does not mean it.
        """
        if action not in _ACTIONS:
            raise ValueError(f"action is {action!r}, expected one of {list(_ACTIONS)}")
        connection = self._open
        request = consumers_pb2.SetProcessingRequest(
            consumer=consumer, event_id=event_id, action=_ACTIONS[action], reason=reason
        )
        response = await connection.read(connection.consumers.SetProcessing, request)
        return processing_of(response.processing)

    async def parked_events(
        self,
        consumer: str,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        limit: int | None = None,
    ) -> AsyncGenerator[ParkedEvent, None]:
        """Yield the events that a consumer has parked, by position, with their failed attempts."""
        connection = self._open
        listing = connection.listing(
            connection.consumers.ListParked,
            consumers_pb2.ListParkedRequest(consumer=consumer, filter=filters.to_message(filter)),
            lambda page: page.events,
            limit=limit,
            page_size=_PAGE_SIZE,
        )
        async with aclosing(listing) as found:
            async for one in found:
                yield parked_of(one)

    async def parked_event(self, consumer: str, event_id: str) -> ParkedEvent:
        """Return one parked event; raises EventNotFound, and EventNotPending if it is not one."""
        connection = self._open
        request = consumers_pb2.GetParkedRequest(consumer=consumer, event_id=event_id)
        response = await connection.read(connection.consumers.GetParked, request)
        return parked_of(response.event)

    async def replay_parked(
        self,
        consumer: str,
        *,
        event_ids: Sequence[str] | None = None,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        all: bool = False,  # noqa: A002 - the contract's word
        timeout_seconds: float | None = None,
    ) -> int:
        """Deliver parked events again, attempts counted anew; returns how many.

        By exactly one of their ids (at most 1,000; all or nothing: EventNotPending), a filter, and
        `all`. Many take long: some 10,000 a second. What is done stays done when the time is over.
        """
        connection = self._open
        request = consumers_pb2.ReplayParkedRequest(
            consumer=consumer, selection=_selection(event_ids, filter, all)
        )
        response = await connection.read(
            connection.consumers.ReplayParked,
            request,
            repeatable=False,
            timeout_seconds=timeout_seconds,
        )
        return response.events

    async def discard_parked(
        self,
        consumer: str,
        *,
        event_ids: Sequence[str] | None = None,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        all: bool = False,  # noqa: A002 - the contract's word
        timeout_seconds: float | None = None,
    ) -> int:
        """Forget parked events, which then count as finished; returns how many.

        Which ones: as with `replay_parked`. They stay in the log.
        """
        connection = self._open
        request = consumers_pb2.DiscardParkedRequest(
            consumer=consumer, selection=_selection(event_ids, filter, all)
        )
        response = await connection.read(
            connection.consumers.DiscardParked,
            request,
            repeatable=False,
            timeout_seconds=timeout_seconds,
        )
        return response.events


def _check_start(
    after_position: int | None, from_time: datetime | None, from_now: bool, *, required: bool
) -> None:
    given = (after_position is not None) + (from_time is not None) + from_now
    if given > 1 or (required and not given):
        many = "exactly" if required else "at most"
        raise ValueError(f"expected {many} one of after_position, from_time, from_now")


def _selection(
    event_ids: Sequence[str] | None,
    filter: Filter | None,  # noqa: A002 - the contract's word
    all: bool,  # noqa: A002 - the contract's word
) -> consumers_pb2.ParkedSelection:
    if (event_ids is not None) + (filter is not None) + all != 1:
        raise ValueError("expected exactly one of event_ids, filter, all")
    if isinstance(event_ids, str):
        raise TypeError("event_ids takes a sequence of ids, not one text")
    if event_ids is not None:
        ids = consumers_pb2.ParkedSelection.EventIds(event_ids=event_ids)
        return consumers_pb2.ParkedSelection(events=ids)
    if filter is not None:
        return consumers_pb2.ParkedSelection(filter=filter.to_message())
    return consumers_pb2.ParkedSelection(all=Empty())
