"""JSON that PostgreSQL takes and refuses; tests/integration/test_jsonb_agrees.py asks it."""

from __future__ import annotations

import pytest

from everlog_server.rpc.jsonb import NESTING_MAX, encode_json
from tests.json_samples import REFUSED, REFUSED_HERE_ONLY, TAKEN


@pytest.mark.parametrize("text", TAKEN)
def test_what_jsonb_takes_passes(text: str) -> None:
    assert encode_json(text) == text.encode()


@pytest.mark.parametrize("text", REFUSED + REFUSED_HERE_ONLY)
def test_what_jsonb_or_the_contract_refuses_does_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        encode_json(text)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"[":', "}")])
def test_nesting_has_a_limit(opening: str, closing: str) -> None:
    encode_json(opening * NESTING_MAX + "1" + closing * NESTING_MAX)
    deeper = NESTING_MAX + 1
    with pytest.raises(ValueError, match="nested deeper than 1000"):
        encode_json(opening * deeper + "1" + closing * deeper)


def test_many_brackets_are_no_nesting() -> None:
    encode_json("[" + "[]," * 5000 + '"' + "[" * 5000 + '\\"]"]')
