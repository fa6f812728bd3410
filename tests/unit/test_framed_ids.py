"""The ids of events that are passed on as bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from everlog_server.model import uuid_text
from everlog_server.rpc.codec import event_ids_of, frame_events
from tests.factories import new_event


@given(st.lists(st.integers(0, 40_000), max_size=6), st.integers(1, 2**40))
def test_they_are_read_from_records_of_any_size(sizes: list[int], position: int) -> None:
    ids = [number.to_bytes(16, "big") for number in range(len(sizes))]
    events = [new_event(json=f'"{"x" * size}"') for size in sizes]
    records, _ = frame_events(
        events, ids, [1] * len(ids), first_position=position, record_time=1_000_000
    )
    assert event_ids_of(b"".join(records)) == list(map(uuid_text, ids))
