"""How a stream ended, as the server said it.

When a write is under way as the server ends the stream, grpc.aio overwrites the server's status
with `INTERNAL: Internal error from Core` (https://github.com/grpc/grpc/issues/36066). The status
was there before, though, and whoever is called back at that moment still sees it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc
from grpc.aio import AioRpcError, Call, Metadata

from everlog.errors import ConnectionLost, EverlogError
from everlog.status import error_from_rpc

_Value = TypeVar("_Value")


class Ending:
    """Notes how a call ends; made before the call's first write."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._first: AioRpcError | None = None
        call.add_done_callback(self._note)

    def error(self, failure: AioRpcError | None = None) -> EverlogError:
        """Say why the call ended; `failure` is what reading from it raised, if it did."""
        told = self._first or failure
        if told is None or told.code() is grpc.StatusCode.OK:
            return ConnectionLost("the server ended the stream without a reason")
        return error_from_rpc(told)

    def _note(self, _call: Any) -> None:
        if self._first is None:
            self._first = AioRpcError(
                _at_once(self._call.code()),
                Metadata(),
                _at_once(self._call.trailing_metadata()),
                details=_at_once(self._call.details()),
            )


def _at_once(waiting: Coroutine[Any, Any, _Value]) -> _Value:
    """Run a coroutine that has nothing to wait for: of a call that is done."""
    try:
        waiting.send(None)
    except StopIteration as result:
        value: _Value = result.value
        return value
    waiting.close()
    raise RuntimeError("the call is not done")
