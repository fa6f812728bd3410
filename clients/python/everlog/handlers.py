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


Found: TypeAlias = tuple[Handler, bool]


class Handlers:
    """Handlers by event type: exact types first, then the longest prefix, then `*`."""

    def __init__(self, handlers: Handler | Mapping[str, Handler]) -> None:
        by_type = handlers if isinstance(handlers, Mapping) else {"*": handlers}
        if not by_type:
            raise ValueError("there must be a handler")
        self._exact: dict[str, Found] = {}
        prefixes: list[tuple[str, Found]] = []
        for pattern, handler in by_type.items():
            if not callable(handler):
                raise TypeError(f"the handler of {pattern!r} is {handler!r}, and can't be called")
            found = handler, is_asynchronous(handler)
            prefix, star, rest = pattern.partition("*")
            if not star and pattern:
                self._exact[pattern] = found
            elif star and not rest and (not prefix or (prefix.endswith(".") and prefix != ".")):
                prefixes.append((prefix, found))
            else:
                raise ValueError(
                    f"a handler is for {pattern!r}, expected an event type, `order.*` or `*`"
                )
        self._prefixes = sorted(prefixes, key=lambda one: -len(one[0]))

    def of(self, event_type: str) -> Found | None:
        """Give the handler of a type, and whether it is asynchronous; None: there is none."""
        found = self._exact.get(event_type)
        if found is not None:
            return found
        return next((one for prefix, one in self._prefixes if event_type.startswith(prefix)), None)


def is_asynchronous(handler: Handler) -> bool:
    """Whether calling it only makes a coroutine; else it may block, and needs a thread."""
    function: Any = handler
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - its `__call__` is what may be asynchronous
    )
