"""The synchronous client: the asynchronous one, on a thread of its own.

There is no second implementation. Coroutine methods are called through the portal, asynchronous
iterators are read through a bridge; signatures, types and docstrings come from `Client` itself.
"""

from __future__ import annotations

import inspect
import threading
import weakref
from collections.abc import (
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from functools import wraps
from types import TracebackType
from typing import Concatenate, Generic, Literal, ParamSpec, Self, TypeVar, Unpack, overload

from everlog.bulk import Outcome
from everlog.client import Client
from everlog.connecting import connect
from everlog.consume_calls import Membership
from everlog.events import Event
from everlog.filters import Filter
from everlog.handlers import Handler
from everlog.portal import Bridge, Feed, Portal
from everlog.query import Query
from everlog.recorded import RecordedEvent
from everlog.requests import KnownEvents, Order, Start
from everlog.settings import Settings
from everlog.subscription import CaughtUp, FellBehind, Subscription
from everlog.sync_consuming import SyncConsuming, SyncDeliveries

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")
_Item = TypeVar("_Item")
_Mark = TypeVar("_Mark", bound=RecordedEvent | CaughtUp | FellBehind)


class SyncIterator(Iterator[_Item], Generic[_Item]):
    """What an asynchronous iterator of the client gives, for one thread at a time.

    It reads up to 64 items ahead, and stops reading when nobody takes them. `with`, or `close`,
    ends the call at once rather than when the object is collected.
    """

    def __init__(self, client: SyncClient, source: AsyncIterable[_Item]) -> None:
        self._client = client  # which must not be collected, and so closed, while this is in use
        self._bridge = Bridge(client._portal, source)  # noqa: SLF001 - one module, one client
        weakref.finalize(self, self._bridge.close)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Item:
        return self._bridge.next()

    def close(self) -> None:
        """End it. A thread that waits for its next item sees it end."""
        self._bridge.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class SyncSubscription(SyncIterator[_Mark], Generic[_Mark]):
    """The events after a cursor, and then every new one; otherwise as `Subscription`."""

    def __init__(self, client: SyncClient, source: Subscription[_Mark]) -> None:
        super().__init__(client, source)
        self._source = source
        self._handed_out = source.position

    def __next__(self) -> _Mark:
        return self.next()

    def next(self, *, timeout_seconds: float | None = None) -> _Mark:
        """Return the next item; raises TimeoutError, and loses nothing, when none comes in time."""
        item = self._bridge.next(timeout_seconds)
        self._handed_out = item.position
        return item

    @property
    def position(self) -> int:
        """The position after which to subscribe again, to go on after the last item.

        It may be further than the last event's: nothing in between matched. 0 until the first
        message when the subscription started from a time or from now.
        """
        # Asked in the loop: between two of its steps, an item is either not read or waits here.
        return self._client._portal.call(self._position)  # noqa: SLF001 - one module, one client

    async def _position(self) -> int:
        return self._handed_out if await self._bridge.ahead() else self._source.position


class SyncQuery(Iterable[RecordedEvent]):
    """Events under a filter, page by page; iterating again asks the server again."""

    def __init__(self, client: SyncClient, query: Query) -> None:
        self._client = client
        self._query = query

    def __iter__(self) -> SyncIterator[RecordedEvent]:
        return SyncIterator(self._client, self._query)

    def pages(self) -> SyncIterator[list[RecordedEvent]]:
        """Yield page after page; a page may be empty before the last one."""
        return SyncIterator(self._client, self._query.pages())

    @property
    def through_position(self) -> int | None:
        """The head when the first page was taken: a Subscribe after it goes on from there."""
        return self._query.through_position

    @property
    def total_size(self) -> int | None:
        """How many events match in all; None when not asked for, or too expensive to count."""
        return self._query.total_size


def _blocking(
    method: Callable[Concatenate[Client, _Parameters], Awaitable[_Result]],
) -> Callable[Concatenate[SyncClient, _Parameters], _Result]:
    """Turn a coroutine method into one that waits."""

    @wraps(method)
    def call(self: SyncClient, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return self.call(method, *args, **kwargs)

    return call


def _iterating(
    method: Callable[Concatenate[Client, _Parameters], AsyncIterable[_Item]],
) -> Callable[Concatenate[SyncClient, _Parameters], SyncIterator[_Item]]:
    """Turn a method that gives an asynchronous iterator into one that gives an iterator."""

    @wraps(method)
    def call(
        self: SyncClient, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> SyncIterator[_Item]:
        return self.iterate(method, *args, **kwargs)

    return call


class SyncClient:
    """The client for threads: every method waits; made by `connect_sync`.

    Any number of threads may share one, and emits of several threads share one stream. Its thread
    starts with the first call and ends with `close` (or `with`), when the client is collected, or
    with the interpreter. After a fork the child makes a client of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self._client = Client(settings)
        self._portal = Portal(self._client.__aenter__, self._client.close)
        self._stop = weakref.finalize(self, self._portal.stop)

    @property
    def settings(self) -> Settings:
        """What it was told when it was made."""
        return self._client.settings

    @property
    def _opened(self) -> Client:
        self._portal.open()
        return self._client

    def __enter__(self) -> Self:
        self._portal.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, for good. Calls under way in any thread fail: ConnectionLost."""
        self._stop()

    def call(
        self,
        function: Callable[Concatenate[Client, _Parameters], Awaitable[_Result]],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> _Result:
        """Run a coroutine function with the asynchronous client, in its loop, and wait for it."""
        return self._portal.call(function, self._client, *args, **kwargs)

    def iterate(
        self,
        function: Callable[Concatenate[Client, _Parameters], AsyncIterable[_Item]],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> SyncIterator[_Item]:
        """Iterate over what a function gives for the asynchronous client, such as a generator."""
        return SyncIterator(self, function(self._opened, *args, **kwargs))

    emit = _blocking(Client.emit)
    emit_many = _blocking(Client.emit_many)
    head = _blocking(Client.head)
    get = _blocking(Client.get)
    record_outcome = _blocking(Client.record_outcome)
    save_narrative = _blocking(Client.save_narrative)
    narrative = _blocking(Client.narrative)
    trace = _blocking(Client.trace)
    build_narrative = _blocking(Client.build_narrative)
    outcomes = _iterating(Client.outcomes)
    replay = _iterating(Client.replay)
    replay_batches = _iterating(Client.replay_batches)
    create_tenant = _blocking(Client.create_tenant)
    tenants = _iterating(Client.tenants)
    rename_tenant = _blocking(Client.rename_tenant)
    freeze_tenant = _blocking(Client.freeze_tenant)
    drop_tenant = _blocking(Client.drop_tenant)
    declare_entities = _blocking(Client.declare_entities)
    entity_declarations = _blocking(Client.entity_declarations)
    link_entities = _blocking(Client.link_entities)
    entities = _iterating(Client.entities)
    events_of_entity = _iterating(Client.events_of_entity)

    create_token = _blocking(Client.create_token)
    tokens = _iterating(Client.tokens)
    revoke_token = _blocking(Client.revoke_token)
    who_am_i = _blocking(Client.who_am_i)

    create_consumer = _blocking(Client.create_consumer)
    update_consumer = _blocking(Client.update_consumer)
    consumer = _blocking(Client.consumer)
    consumers = _iterating(Client.consumers)
    delete_consumer = _blocking(Client.delete_consumer)
    reset_consumer = _blocking(Client.reset_consumer)
    pending_events = _iterating(Client.pending_events)
    processing = _blocking(Client.processing)
    set_processing = _blocking(Client.set_processing)
    parked_events = _iterating(Client.parked_events)
    parked_event = _blocking(Client.parked_event)
    replay_parked = _blocking(Client.replay_parked)
    discard_parked = _blocking(Client.discard_parked)

    register_event_type = _blocking(Client.register_event_type)
    update_event_type = _blocking(Client.update_event_type)
    event_type = _blocking(Client.event_type)
    event_types = _iterating(Client.event_types)
    deprecate_event_type = _blocking(Client.deprecate_event_type)
    import_catalog = _blocking(Client.import_catalog)
    catalog_policy = _blocking(Client.catalog_policy)
    set_catalog_policy = _blocking(Client.set_catalog_policy)
    set_aggregate_type = _blocking(Client.set_aggregate_type)
    aggregate_type = _blocking(Client.aggregate_type)
    aggregate_types = _iterating(Client.aggregate_types)
    state = _blocking(Client.state)
    aggregates = _iterating(Client.aggregates)
    count = _blocking(Client.count)
    latest = _blocking(Client.latest)
    statistics = _blocking(Client.statistics)

    apply_projection = _blocking(Client.apply_projection)
    projection = _blocking(Client.projection)
    projections = _iterating(Client.projections)
    pause_projection = _blocking(Client.pause_projection)
    resume_projection = _blocking(Client.resume_projection)
    rebuild_projection = _blocking(Client.rebuild_projection)
    delete_projection = _blocking(Client.delete_projection)
    projection_errors = _iterating(Client.projection_errors)
    retry_projection = _blocking(Client.retry_projection)
    skip_projection = _blocking(Client.skip_projection)
    projection_effects = _blocking(Client.projection_effects)
    projection_follows = _blocking(Client.projection_follows)

    def consume(
        self,
        consumer: str,
        handlers: Handler | Mapping[str, Handler],
        *,
        stop_timeout_seconds: float = 30.0,
        handler_timeout_seconds: float | None = None,
        **membership: Unpack[Membership],
    ) -> SyncConsuming:
        """Take part in a consumer, as `Client.consume`: handlers are called in threads."""
        consuming = self._opened.consume(
            consumer,
            handlers,
            stop_timeout_seconds=stop_timeout_seconds,
            handler_timeout_seconds=handler_timeout_seconds,
            **membership,
        )
        return SyncConsuming(self, self._portal, consuming)

    def deliveries(self, consumer: str, **membership: Unpack[Membership]) -> SyncDeliveries:
        """Take part in a consumer, delivery by delivery, as `Client.deliveries`."""
        return SyncDeliveries(self, self._portal, self._opened.deliveries(consumer, **membership))

    def emit_stream(
        self,
        events: Iterable[Event],
        *,
        batch_events: int = 1,
        known_events: KnownEvents = "refuse",
        linger_seconds: float | None = 0.02,
        timeout_seconds: float | None = None,
    ) -> Generator[Outcome, None, None]:
        """Append any number of events in order, and yield (index, receipt or error) for each.

        As `Client.emit_stream`. `events` is iterated in the thread that iterates over the outcomes,
        so what it gives may depend on that thread, and it may be slow: those before it are on their
        way meanwhile.
        """
        changed = threading.Condition()
        feed: Feed[Event] = Feed(self._portal, changed)
        outcomes = Bridge(
            self._portal,
            self._opened.emit_stream(
                feed,
                batch_events=batch_events,
                known_events=known_events,
                linger_seconds=linger_seconds,
                timeout_seconds=timeout_seconds,
            ),
            changed,
        )
        try:
            outcomes.start()
            for event in _told_to(feed, events):
                while True:
                    with changed:
                        changed.wait_for(lambda: feed.has_room or outcomes.has_news)
                    yield from outcomes.ready()
                    if feed.has_room:
                        break
                feed.put(event)
            while True:
                try:
                    outcome = outcomes.next()
                except StopIteration:
                    return
                yield outcome
        finally:
            outcomes.close()

    def query(
        self,
        filter: Filter | None = None,  # noqa: A002 - the contract's word
        *,
        order: Order = "newest_first",
        limit: int | None = None,
        page_size: int = 1_000,
        total_size: bool = False,
        min_position: int = 0,
        outcomes: bool = False,
    ) -> SyncQuery:
        """List events under a filter; iterate over what is returned. As `Client.query`."""
        query = self._opened.query(
            filter,
            order=order,
            limit=limit,
            page_size=page_size,
            total_size=total_size,
            min_position=min_position,
            outcomes=outcomes,
        )
        return SyncQuery(self, query)

    @overload
    def subscribe(
        self, *, marks: Literal[False] = ..., **start: Unpack[Start]
    ) -> SyncSubscription[RecordedEvent]: ...

    @overload
    def subscribe(
        self, *, marks: Literal[True], **start: Unpack[Start]
    ) -> SyncSubscription[RecordedEvent | CaughtUp | FellBehind]: ...

    def subscribe(
        self, *, marks: bool = False, **start: Unpack[Start]
    ) -> SyncSubscription[RecordedEvent] | SyncSubscription[RecordedEvent | CaughtUp | FellBehind]:
        """Follow the log, as `Client.subscribe`. `on_interruption` is called in another thread."""
        if marks:
            return SyncSubscription(self, self._opened.subscribe(marks=True, **start))
        return SyncSubscription(self, self._opened.subscribe(marks=False, **start))


def _told_to(feed: Feed[Event], events: Iterable[Event]) -> Iterator[Event]:
    """Iterate over the events; the feed is told of their end, also of a bad one."""
    iterator = iter(events)
    while True:
        try:
            event = next(iterator)
        except StopIteration:
            feed.end()
            return
        except Exception as error:
            feed.end(error)
            return
        yield event


def _synchronous(connect: Callable[_Parameters, Client]) -> Callable[_Parameters, SyncClient]:
    @wraps(connect)
    def connect_sync(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> SyncClient:
        return SyncClient(connect(*args, **kwargs).settings)

    # For `help` and editors: everything is as `connect` has it, but what it returns.
    told = inspect.signature(connect).replace(return_annotation="SyncClient")
    setattr(connect_sync, "__signature__", told)  # noqa: B010 - no type knows the attribute
    connect_sync.__name__ = connect_sync.__qualname__ = "connect_sync"
    connect_sync.__doc__ = (
        "Make a client whose methods wait, for threads; use it with `with`, or `close` it.\n\n"
        "Otherwise as `connect`."
    )
    return connect_sync


connect_sync = _synchronous(connect)
