from __future__ import annotations

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import aggregates_pb2, catalog_pb2, event_store_pb2, filter_pb2
from everlog_server.errors import InvalidPageTokenError
from everlog_server.model import AggregateKey
from everlog_server.rpc.aggregate_requests import Place
from everlog_server.rpc.page_token import Listing, Positions

PLACE = Positions(cursor=1234, through=5678)
URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def query(token: str = "", **fields: object) -> event_store_pb2.QueryRequest:
    fields.setdefault("filter", filter_pb2.EventFilter(event_types=["order.*"]))
    return event_store_pb2.QueryRequest(page_token=token, **fields)  # type: ignore[arg-type]


def place_of(token: str, request: Message, *, tenant_id: int = 1) -> Positions:
    return Listing(tenant_id, request).place(token, Positions.unpack)


TOKEN = Listing(1, query()).token(PLACE.pack())


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_token_leads_to_its_place(cursor: int, through: int) -> None:
    place = Positions(cursor, through)
    token = Listing(1, query()).token(place.pack())
    assert set(token) <= URL_SAFE
    assert place_of(token, query(token)) == place


@pytest.mark.parametrize(
    "place", [Place(7, 5, None), Place(7, 0, AggregateKey("order", "4/2")), Place(0, 0, None)]
)
def test_a_token_leads_to_its_place_among_aggregates(place: Place) -> None:
    assert Place.unpack(place.pack()) == place


def test_what_may_differ_from_page_to_page_is_the_same_query() -> None:
    other = query(
        TOKEN, page_size=7, min_position=9, include_total_size=True, include_outcomes=True
    )
    assert place_of(TOKEN, other) == PLACE


@pytest.mark.parametrize(
    "other",
    [
        query(TOKEN, order=event_store_pb2.QUERY_ORDER_OLDEST_FIRST),
        query(TOKEN, filter=filter_pb2.EventFilter(event_types=["order.created"])),
        query(TOKEN, filter=filter_pb2.EventFilter()),
    ],
)
def test_a_token_of_another_query_is_refused(other: event_store_pb2.QueryRequest) -> None:
    with pytest.raises(InvalidPageTokenError):
        place_of(TOKEN, other)


def test_a_token_of_another_listing_is_refused() -> None:
    # Both are empty on the wire.
    token = Listing(1, catalog_pb2.ListAggregateTypesRequest()).token(b"order")
    with pytest.raises(InvalidPageTokenError):
        Listing(1, catalog_pb2.ListEventTypesRequest()).place(token, bytes.decode)


def test_a_token_of_another_tenant_is_refused() -> None:
    with pytest.raises(InvalidPageTokenError):
        place_of(TOKEN, query(TOKEN), tenant_id=2)


@pytest.mark.parametrize("place", [b"", b"x", b"\0" * 16 + b"x", b"\0" * 16 + b"\xff"])
def test_a_token_that_holds_no_place_is_refused(place: bytes) -> None:
    listing = Listing(1, aggregates_pb2.ListAggregatesRequest())
    with pytest.raises(InvalidPageTokenError):
        listing.place(listing.token(place), Place.unpack)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(sorted(URL_SAFE | set("=+/ \n*é"))))
def test_a_damaged_token_is_refused(index: int, character: str) -> None:
    damaged = TOKEN[:index] + character + TOKEN[index + 1 :]
    if damaged != TOKEN:
        with pytest.raises(InvalidPageTokenError):
            place_of(damaged, query(damaged))


@given(st.text(min_size=1, max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    text = text.encode(errors="replace").decode()
    with pytest.raises(InvalidPageTokenError):
        place_of(text, query(text))


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN[1:], TOKEN * 2])
def test_a_token_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageTokenError):
        place_of(text, query(text))
