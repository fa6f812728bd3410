"""Leases of deliveries: which run out, and that what is answered takes no memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from everlog_server.consumers.leases import Leases
from everlog_server.consumers.member import Delivery

if TYPE_CHECKING:
    from everlog_server.consumers.events import Event
    from everlog_server.consumers.member import Member
    from everlog_server.consumers.own_slot import OwnSlot


class _Deliveries:
    """Those of one member."""

    def __init__(self) -> None:
        self.in_flight: dict[str, Delivery] = {}
        self.leases = Leases()

    def add(self, number: int, deadline: int) -> Delivery:
        event = cast("Event", SimpleNamespace(attempts=0))
        member = cast("Member", self)
        delivery = Delivery(str(number), event, cast("OwnSlot", None), member, deadline)
        self.in_flight[delivery.delivery_id] = delivery
        self.leases.add(delivery)
        return delivery

    def expire(self, now: int) -> list[str]:
        gone = []
        for delivery in self.leases.expired(now):
            del self.in_flight[delivery.delivery_id]
            gone.append(delivery.delivery_id)
        return gone


def test_what_is_answered_is_forgotten_long_before_its_lease_ends() -> None:
    one = _Deliveries()
    for number in range(100):
        one.add(number, 1_000_000)
    for number in range(100, 50_000):
        one.add(number, 1_000_000)
        del one.in_flight[str(number)]
        assert len(one.leases) <= 1_000
    assert len(one.expire(1_000_000)) == 100
    assert len(one.leases) == 0


def test_a_lease_that_was_renewed_runs_out_at_its_new_end() -> None:
    one = _Deliveries()
    one.add(1, 100)
    one.add(2, 110).deadline = 200
    assert one.expire(99) == []
    assert one.expire(150) == ["1"]
    assert one.leases.next_deadline == 200
    assert one.expire(200) == ["2"]
    assert one.leases.next_deadline is None


def test_time_in_which_nobody_was_heard_does_not_count() -> None:
    one = _Deliveries()
    one.add(1, 100)
    one.leases.extend(50)
    assert one.expire(149) == []
    assert one.leases.next_deadline == 150
    assert one.expire(150) == ["1"]
