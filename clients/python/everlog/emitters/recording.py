"""`recorded`: a function whose calls are events, started and then passed or failed."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from functools import partial, wraps
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar, cast
from uuid import uuid4

from everlog.client import Client
from everlog.emitters.jsonable import describe
from everlog.emitters.naming import fitting
from everlog.emitters.writer import EventWriter
from everlog.events import Event
from everlog.sync import SyncClient

Arguments: TypeAlias = Mapping[str, Any]
"""The arguments of a call by the names of the parameters, defaults included."""

_Function = TypeVar("_Function", bound=Callable[..., Any])

_MESSAGE_CHARACTERS_MAX = 2_000


def recorded(
    to: Client | SyncClient | EventWriter,
    event_type: str,
    *,
    aggregate: tuple[str, str] | Callable[[Arguments], tuple[str, str]] | None = None,
    source: str = "",
    actor: str | Callable[[Arguments], str] = "",
    correlation_id: str | Callable[[Arguments], str] = "",
    arguments: Sequence[str] = (),
    result: Callable[[Any], Any] | None = None,
) -> Callable[[_Function], _Function]:
    """Have a function's calls recorded: `<event_type>.started`, then `.passed` or `.failed`.

    They go through a writer, in the background: the function is not delayed, and no failure of the
    recording is felt in it. Given a client, the function gets a writer of its own, which is flushed
    when the client closes; functions that share a writer have their events in order.

    `aggregate` is what a call is about; absent, `source`, which by default is the function's own
    name. `passed` and `failed` have `duration_ms`, and their `causation_id` is the event `started`.
    All of a call have one `correlation_id`: the given one, or that of the recorded call within
    which it is made (whose `started` then is the cause of this one), or a new one.

    Arguments are recorded only where they are named in `arguments`, and of a result only what
    `result` makes of it: they may hold secrets. `failed` has the name and the message of what was
    raised, also of a cancellation; it is raised on.

    Raises TypeError for a generator, whose end nobody may ever see, and for what is no function;
    ValueError for names that are no parameters of it.
    """

    def decorate(function: _Function) -> _Function:
        _check(function)
        recording = _Recording(
            writer=to if isinstance(to, EventWriter) else EventWriter(to, subject=event_type),
            event_type=event_type,
            function=function,
            signature=inspect.signature(function),
            aggregate=aggregate,
            source=source or fitting(_name_of(function)),
            actor=actor,
            correlation_id=correlation_id,
            arguments=tuple(arguments),
            result=result,
        )

        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with _Call(recording, args, kwargs) as call:
                    call.result = await function(*args, **kwargs)
                return call.result

            return cast("_Function", call_async)

        @wraps(function)
        def call_sync(*args: Any, **kwargs: Any) -> Any:
            with _Call(recording, args, kwargs) as call:
                call.result = function(*args, **kwargs)
            return call.result

        return cast("_Function", call_sync)

    return decorate


def _check(function: object) -> None:
    if isinstance(function, staticmethod | classmethod):
        raise TypeError("record the function itself: put staticmethod or classmethod above it")
    if not (inspect.isroutine(function) or isinstance(function, partial)):
        raise TypeError(f"{function!r} is no function")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function!r} is a generator: record a function that iterates over it")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    """What is known of a function before it is called."""

    writer: EventWriter
    event_type: str
    function: Callable[..., Any]
    signature: inspect.Signature
    aggregate: tuple[str, str] | Callable[[Arguments], tuple[str, str]] | None
    source: str
    actor: str | Callable[[Arguments], str]
    correlation_id: str | Callable[[Arguments], str]
    arguments: tuple[str, ...]
    result: Callable[[Any], Any] | None

    def __post_init__(self) -> None:
        unknown = [name for name in self.arguments if name not in self.signature.parameters]
        if unknown:
            raise ValueError(f"{_name_of(self.function)} has no parameter {', '.join(unknown)}")


# The correlation id and the event `started` of the recorded call within which this code runs.
_around: ContextVar[tuple[str, str] | None] = ContextVar("_around", default=None)


class _Call:
    """One call; whatever goes wrong here is logged and counted, and the function goes on."""

    def __init__(
        self, recording: _Recording, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._recording = recording
        self._args = args
        self._kwargs = kwargs
        self._started: Event | None = None
        self._token: Token[tuple[str, str] | None] | None = None
        self._began = 0.0
        self.result: Any = None

    def __enter__(self) -> Self:
        try:
            self._started = self._start()
            self._token = _around.set((self._started.correlation_id, self._started.event_id))
        except Exception as error:
            self._fail("started", error)
        self._began = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        duration_ms = round((time.perf_counter() - self._began) * 1000, 3)
        started = self._started
        if started is None or self._token is None:
            return
        name = "passed" if error is None else "failed"
        try:
            _around.reset(self._token)
            self._recording.writer.offer(self._end(started, name, duration_ms, error))
        except Exception as failure:
            self._fail(name, failure)

    def _start(self) -> Event:
        recording = self._recording
        bound = recording.signature.bind(*self._args, **self._kwargs)
        bound.apply_defaults()
        given = bound.arguments
        around = _around.get()
        call_id = str(uuid4())
        started = Event(
            f"{recording.event_type}.started",
            aggregate=_told(recording.aggregate, given),
            source=recording.source,
            data={"arguments": {name: given[name] for name in recording.arguments}}
            if recording.arguments
            else {},
            metadata={"function": _name_of(recording.function)},
            idempotency_key=f"{call_id}:started",
            event_id=call_id,
            correlation_id=_told(recording.correlation_id, given)
            or (around[0] if around else call_id),
            causation_id=around[1] if around else "",
            actor=_told(recording.actor, given),
        )
        recording.writer.offer(started)
        return started

    def _end(
        self, started: Event, name: str, duration_ms: float, error: BaseException | None
    ) -> Event:
        recording = self._recording
        data: dict[str, Any] = {"duration_ms": duration_ms}
        if error is not None:
            told = describe(error)
            data["error"] = {**told, "message": told["message"][:_MESSAGE_CHARACTERS_MAX]}
        elif recording.result is not None:
            data["result"] = recording.result(self.result)
        return Event(
            f"{recording.event_type}.{name}",
            aggregate=started.aggregate,
            source=started.source,
            data=data,
            metadata=started.metadata,
            idempotency_key=f"{started.event_id}:{name}",
            correlation_id=started.correlation_id,
            causation_id=started.event_id,
            actor=started.actor,
        )

    def _fail(self, name: str, error: Exception) -> None:
        self._recording.writer.fail(f"{self._recording.event_type}.{name}", error)


def _told(given: Any, arguments: Arguments) -> Any:
    return given(arguments) if callable(given) else given


def _name_of(function: Callable[..., Any]) -> str:
    named = inspect.unwrap(function)
    while isinstance(named, partial):
        named = named.func
    return f"{named.__module__}.{getattr(named, '__qualname__', type(named).__name__)}"
