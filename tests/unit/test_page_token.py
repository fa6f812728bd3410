from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog.v1 import event_store_pb2, filter_pb2
from everlog_server.errors import InvalidPageTokenError
from everlog_server.rpc.page_token import Place, decode_page_token, encode_page_token

PLACE = Place(cursor=1234, through=5678)
URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def query(token: str = "", **fields: object) -> event_store_pb2.QueryRequest:
    fields.setdefault("filter", filter_pb2.EventFilter(event_types=["order.*"]))
    return event_store_pb2.QueryRequest(page_token=token, **fields)  # type: ignore[arg-type]


TOKEN = encode_page_token(PLACE, tenant_id=1, request=query())


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_a_token_leads_to_its_place(cursor: int, through: int) -> None:
    place = Place(cursor, through)
    token = encode_page_token(place, tenant_id=1, request=query())
    assert set(token) <= URL_SAFE
    assert decode_page_token(tenant_id=1, request=query(token)) == place


def test_another_page_size_is_the_same_query() -> None:
    assert decode_page_token(tenant_id=1, request=query(TOKEN, page_size=7)) == PLACE


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
        decode_page_token(tenant_id=1, request=other)


def test_a_token_of_another_tenant_is_refused() -> None:
    with pytest.raises(InvalidPageTokenError):
        decode_page_token(tenant_id=2, request=query(TOKEN))


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(sorted(URL_SAFE | set("=+/ \n*é"))))
def test_a_damaged_token_is_refused(index: int, character: str) -> None:
    damaged = TOKEN[:index] + character + TOKEN[index + 1 :]
    if damaged != TOKEN:
        with pytest.raises(InvalidPageTokenError):
            decode_page_token(tenant_id=1, request=query(damaged))


@given(st.text(min_size=1, max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    text = text.encode(errors="replace").decode()
    with pytest.raises(InvalidPageTokenError):
        decode_page_token(tenant_id=1, request=query(text))


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN[1:], TOKEN * 2])
def test_a_token_of_another_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidPageTokenError):
        decode_page_token(tenant_id=1, request=query(text))
