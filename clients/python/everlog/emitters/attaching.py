"""`persist_events`: whatever an emitter emits in process is also stored."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Unpack
from weakref import WeakKeyDictionary, WeakValueDictionary

from everlog.client import Client
from everlog.emitters.forking import ForkableLock
from everlog.emitters.mapping import EventMapper, Place
from everlog.emitters.naming import Ordinals
from everlog.emitters.writer import Bounds, EventWriter
from everlog.sync import SyncClient

# pyee's emitters that start each listener in a pool or a task, whichever comes first.
_UNORDERED = frozenset({"pyee.executor", "pyee.trio"})
CHANNELS = ("message", "sse", "tool", "world", "system")


class Emitter(Protocol):
    """What is needed of an emitter: pyee's have it, and others that look like Node's."""

    def add_listener(self, event: str, f: Callable[..., Any], /) -> object:
        """Have `f` called with what is emitted."""

    def remove_listener(self, event: str, f: Callable[..., Any], /) -> object:
        """Have it called no longer."""

    def listeners(self, event: str, /) -> Sequence[Callable[..., Any]]:
        """Who is called."""


class Attachment(EventWriter):
    """Made by `persist_events`: what is emitted goes to the log until it is detached or closed.

    It is a writer: other events may be offered to it, and are stored in their order.
    """

    def __init__(
        self,
        emitter: Emitter,
        client: Client | SyncClient,
        mapper: EventMapper,
        *,
        channels: Sequence[str],
        on_dropped: Callable[[Any, str], object] | None,
        **bounds: Unpack[Bounds],
    ) -> None:
        """See `persist_events`."""
        world = "worlds" if callable(mapper.world) else f"world {mapper.world}"
        super().__init__(client, subject=world, **bounds)
        self._emitter = emitter
        self._mapper = mapper
        self._on_dropped = on_dropped
        self._telling = threading.local()
        self._listeners = {channel: self._listener(channel) for channel in channels}

    def _listener(self, channel: str) -> Callable[..., None]:
        def listener(*args: Any, **kwargs: Any) -> None:
            self._take(channel, args, kwargs)

        return listener

    def attach(self) -> None:
        """Listen, where it does not do so already.

        Before all others, with an emitter of pyee: an event that a listener emits while it handles
        one comes after it in the log, as it did in time; and a listener that raises, which keeps
        pyee from calling those after it, keeps nothing from being stored.
        """
        with _attaching:
            for channel, listener in self._listeners.items():
                if listener not in self._emitter.listeners(channel):
                    self._emitter.add_listener(channel, listener)
                    _put_first(self._emitter, channel, listener)

    def detach(self) -> None:
        """Stop listening. What is buffered still goes out."""
        with _attaching:
            for channel, listener in self._listeners.items():
                if listener in self._emitter.listeners(channel):
                    self._emitter.remove_listener(channel, listener)

    def _begin_to_close(self) -> None:
        self.detach()
        super()._begin_to_close()

    def _take(self, channel: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run within `emit`: returns soon, and never raises."""
        try:
            emitted = _emitted(args, kwargs)
            if self._mapper.leaves_out(channel, emitted):
                return
            # Before any work is done on it: who is overrun has no time to lose.
            is_taken = (
                self.offer(self._mapper.event(channel, emitted))
                if self.has_room
                else self.drop(f"an event of {channel}")
            )
        except Exception as error:
            self.fail(f"an event of {channel}", error)
            return
        if not is_taken and self._on_dropped is not None:
            self._tell_of_drop(self._on_dropped, emitted, channel)

    def _tell_of_drop(
        self, on_dropped: Callable[[Any, str], object], emitted: object, channel: str
    ) -> None:
        # Whoever emits an event about it would be told that it is dropped, too, and so on.
        if getattr(self._telling, "now", False):
            return
        self._telling.now = True
        try:
            on_dropped(emitted, channel)
        except Exception as error:
            self.complain("on_dropped", "on_dropped failed", error)
        finally:
            self._telling.now = False


# By the identities of emitter and client, which an attachment keeps alive, and the world.
_attachments: WeakValueDictionary[tuple[int, int, str | None], Attachment] = WeakValueDictionary()
# Shared by all of a client's emitters: the pieces of one message may come from two of them.
_ordinals: WeakKeyDictionary[Client | SyncClient, Ordinals] = WeakKeyDictionary()
# Guards both, and the listeners of an emitter: who attaches in two threads gets one attachment.
_attaching = ForkableLock()


def persist_events(
    emitter: Emitter,
    client: Client | SyncClient,
    *,
    world: str | Place,
    chat: Place | None = None,
    channels: Sequence[str] = CHANNELS,
    chunks: bool = False,
    source: str = "emitter",
    on_dropped: Callable[[Any, str], object] | None = None,
    **bounds: Unpack[Bounds],
) -> Attachment:
    """Have what the emitter emits stored, from now on, without delaying or breaking its listeners.

    `world` is the world whose events these are, or what tells it from an event; `chat` tells the
    chat of an event, by default its `chatId` or `chat_id`. `chunks`: store streamed pieces (`chunk`
    on `sse`) too. `source` is the component that speaks. `on_dropped` is called, within `emit`,
    with each event (and its channel) for which the buffer had no room: the newest is dropped.
    Bounds as of `EventWriter`.

    Attaching again to the same client for the same world (or for worlds told by events) gives the
    same attachment, which listens again if it did not; its options stay as they were until it is
    closed. Raises ValueError for options that make no sense, TypeError for an emitter that does not
    call its listeners in order, and RuntimeError when a `Client` is not open, or no event loop
    runs.
    """
    if _UNORDERED & {kind.__module__ for kind in type(emitter).__mro__}:
        raise TypeError(f"{type(emitter).__name__} does not call its listeners within emit")
    if not world:
        raise ValueError("world is empty, expected the id of a world, or what tells it")
    if isinstance(channels, str) or "error" in channels:
        # pyee raises an `error` that nobody listens to.
        raise ValueError(f"channels is {channels!r}, expected names of events other than error")
    if isinstance(client, Client):
        _ = client.channel
        asyncio.get_running_loop()
    name = (id(emitter), id(client), None if callable(world) else world)
    with _attaching:
        attachment = _attachments.get(name)
        if attachment is None or attachment.is_closed:
            attachment = Attachment(
                emitter,
                client,
                EventMapper(
                    world=world,
                    chat=chat,
                    source=source,
                    chunks=chunks,
                    ordinals=_ordinals.setdefault(client, Ordinals()),
                ),
                channels=channels,
                on_dropped=on_dropped,
                **bounds,
            )
            _attachments[name] = attachment
    attachment.attach()
    return attachment


def _emitted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    """Give the event: the only argument, or the keyword arguments, or an array of them all."""
    if len(args) == 1 and not kwargs:
        return args[0]
    if not args:
        return kwargs or None
    return [*args, kwargs] if kwargs else list(args)


def _put_first(emitter: Emitter, channel: str, listener: Callable[..., None]) -> None:
    # pyee has no way to say so: https://github.com/jfhbrook/pyee/blob/main/pyee/base.py keeps the
    # listeners of an event in an OrderedDict. An emitter that keeps them otherwise calls in order.
    tables = getattr(emitter, "_events", None)
    listeners = tables.get(channel) if isinstance(tables, dict) else None
    if isinstance(listeners, OrderedDict) and listener in listeners:
        listeners.move_to_end(listener, last=False)
