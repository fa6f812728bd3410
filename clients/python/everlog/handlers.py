"""Which handler an event goes to, and how it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from everlog.deliveries import Delivery

Handler: TypeAlias = Callable[[Delivery], Any] | Callable[[Delivery], Awaitable[Any]]
"""Is given a delivery. Returning finishes the event, unless what is returned is a decision: Retry,
Park or Skip; raising fails it, or decides. A plain function runs in a thread."""


class Handlers:
    """Handlers by event type: exact types first, then the longest prefix, then `*`."""

    def __init__(self, handlers: Handler | Mapping[str, Handler]) -> None:
        by_type = handlers if isinstance(handlers, Mapping) else {"*": handlers}
        if not by_type:
            raise ValueError("there must be a handler")
        self._exact: dict[str, Handler] = {}
        prefixes: list[tuple[str, Handler]] = []
        for pattern, handler in by_type.items():
            if not callable(handler):
                raise TypeError(f"the handler of {pattern!r} is {handler!r}, and can't be called")
            prefix, star, rest = pattern.partition("*")
            if not star and pattern:
                self._exact[pattern] = handler
            elif star and not rest and (not prefix or (prefix.endswith(".") and prefix != ".")):
                prefixes.append((prefix, handler))
            else:
                raise ValueError(
                    f"a handler is for {pattern!r}, expected an event type, `order.*` or `*`"
                )
        self._prefixes = sorted(prefixes, key=lambda one: -len(one[0]))

    def of(self, event_type: str) -> Handler | None:
        """Give the handler of a type; None: there is none."""
        handler = self._exact.get(event_type)
        if handler is not None:
            return handler
        return next((one for prefix, one in self._prefixes if event_type.startswith(prefix)), None)


def is_asynchronous(handler: Handler) -> bool:
    """Whether calling it only makes a coroutine; else it may block, and needs a thread."""
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - its `__call__` is what may be asynchronous
    )
