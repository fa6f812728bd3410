"""The Consume call: a part of the client."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import TypedDict, Unpack

from everlog.connection import Calls
from everlog.consuming import Consuming
from everlog.deliveries import Deliveries, Delivery
from everlog.errors import EverlogError
from everlog.handlers import Handler, Handlers
from everlog.retry import Backoff
from everlog.subscription import Resumption
from everlog.v1 import consumers_pb2

_CREDIT_MAX = 1_000
_HANDLERS = 10


class Membership(TypedDict, total=False):
    """How a member takes part in a consumer."""

    concurrency: int
    """How many deliveries it has at a time, 1 to 1,000."""

    member_name: str
    """What it calls itself, for people; absent: the host's name and the process's id."""

    heartbeat_seconds: float
    """The server's longest silence, 0.1 to 3,600 s; 10 s when absent. After three it reconnects."""

    on_interruption: Callable[[EverlogError, float], None]
    """Called with what interrupted, and the seconds until the next attempt."""

    on_unsettled: Callable[[Delivery, EverlogError], None]
    """Called with a delivery whose answer does not count, for it was not held any more, or may not,
    for the connection broke. Absent: a warning in the log `everlog`."""


class ConsumeCalls(Calls):
    """The methods of a client that take part in a consumer."""

    def before_close(self, finish: Callable[[], Awaitable[object]]) -> Callable[[], None]:
        """As the client has it."""
        raise NotImplementedError

    @property
    def _resume_backoff(self) -> Backoff | None:
        raise NotImplementedError

    def consume(
        self,
        consumer: str,
        handlers: Handler | Mapping[str, Handler],
        *,
        stop_timeout_seconds: float = 30.0,
        handler_timeout_seconds: float | None = None,
        **membership: Unpack[Membership],
    ) -> Consuming:
        """Take part in a consumer: give each of its events to a handler, which is given a Delivery.

        `handlers` is one, or one for each event type: exact, `order.*`, or `*` for all others. An
        event for which there is none fails. Up to `concurrency` (10) are called at a time, those of
        one aggregate one after the other; plain functions in threads. A handler that returns
        finishes its event; one that raises fails it; Retry, Park and Skip, raised or returned,
        decide otherwise. While it works the server is told so, for as long as that takes, or for
        `handler_timeout_seconds`: then the event has failed, and an asynchronous handler is
        cancelled; a plain function goes on in its thread, alone.

        Deliveries are at least once: a handler sees an event again if its answer was not stored.
        After an interruption it goes on by itself; ConsumerNotFound, PermissionDenied and other
        answers end it, and so does a callback that raises. Stopping gives back what no handler has
        begun, and waits for the others, `stop_timeout_seconds` at most.
        """
        concurrency = membership.get("concurrency", _HANDLERS)
        deliveries = self._deliveries(consumer, concurrency, membership, keeps_leases=True)
        return Consuming(
            deliveries,
            Handlers(handlers),
            concurrency=concurrency,
            stop_timeout_seconds=stop_timeout_seconds,
            handler_timeout_seconds=handler_timeout_seconds,
            before_close=self.before_close,
        )

    def deliveries(self, consumer: str, **membership: Unpack[Membership]) -> Deliveries:
        """Take part in a consumer, delivery by delivery; iterate over what is returned.

        Each one is to be answered, by `ack`, `nack` or `release`, within the consumer's lease, or
        else be `in_progress`. Up to `concurrency` (1) are unanswered at a time. Otherwise as
        `consume`.
        """
        concurrency = membership.get("concurrency", 1)
        return self._deliveries(consumer, concurrency, membership, keeps_leases=False)

    def _deliveries(
        self, consumer: str, concurrency: int, membership: Membership, *, keeps_leases: bool
    ) -> Deliveries:
        if not 1 <= concurrency <= _CREDIT_MAX:
            raise ValueError(f"concurrency is {concurrency}, expected 1 to {_CREDIT_MAX:,}")
        name = membership.get("member_name", f"{socket.gethostname()}/{os.getpid()}")
        return Deliveries(
            self._open.consume,
            consumers_pb2.ConsumeRequest.Open(
                consumer=consumer, member_name=name, credit=concurrency
            ),
            resumption=Resumption(
                backoff=self._resume_backoff,
                heartbeat_seconds=membership.get("heartbeat_seconds", 10.0),
                on_interruption=membership.get("on_interruption"),
            ),
            # Handlers are stopped before, by whoever calls them.
            before_close=None if keeps_leases else self.before_close,
            on_unsettled=membership.get("on_unsettled"),
            keeps_leases=keeps_leases,
        )
