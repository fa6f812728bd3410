"""rpc/jsonb.py against the PostgreSQL whose judgement it stands for."""

from __future__ import annotations

import random

import psycopg

from everlog_server.rpc.jsonb import encode_json
from tests.json_samples import REFUSED, REFUSED_HERE_ONLY, TAKEN


def postgres_takes(connection: psycopg.Connection, text: str) -> bool:
    try:
        connection.execute("SELECT convert_from(%b, 'UTF8')::jsonb", (text.encode(),))
    except psycopg.DataError:
        return False
    return True


def everlog_takes(text: str) -> bool:
    try:
        encode_json(text)
    except ValueError:
        return False
    return True


def test_the_samples_are_what_postgres_says(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        assert [text for text in TAKEN if not postgres_takes(connection, text)] == []
        assert [text for text in REFUSED if postgres_takes(connection, text)] == []
        assert [text for text in REFUSED_HERE_ONLY if not postgres_takes(connection, text)] == []


def random_number(chance: random.Random) -> str:
    whole = chance.choice(["0", "1", "-0", "12", "-7", "9" * chance.randint(1, 310)])
    digits = chance.choice([10, 999, 15_384, 16_380, 16_382, 16_383, 16_384, 17_000])
    fraction = chance.choice(["", "", ".0", ".5", "." + chance.choice("01") * digits])
    exponents = [1, 400, 999, 9_999, 10_000, 16_382, 16_383, 16_384, 2**30 - 1, 2**30, 10**11]
    exponent = str(chance.choice(exponents) - chance.randint(0, 1))
    marks = chance.choice("eE") + chance.choice(["", "+", "-"]) + chance.choice(["", "0", "000"])
    return whole + fraction + chance.choice(["", marks + exponent])


def random_string(chance: random.Random) -> str:
    pieces = ["a", r"\\", r"\u0000", "u0000", r"\"", "[", "1e-20000", "e-", "0e", r"\n", "é"]
    return '"' + "".join(chance.choices(pieces, k=chance.randint(0, 6))) + '"'


def random_json(chance: random.Random, depth: int = 0) -> str:
    kind = chance.random()
    if kind < 0.5 or depth > 3:
        return chance.choice([random_number, random_string])(chance)
    items = [random_json(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    if kind < 0.75:
        return "[" + ", ".join(items) + "]"
    return "{" + ",".join(f"{random_string(chance)} : {item}" for item in items) + "}"


def test_nothing_passes_that_postgres_refuses(empty_database_url: str) -> None:
    chance = random.Random(20_000)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        texts = [random_json(chance) for _ in range(3_000)]
        taken = [text for text in texts if everlog_takes(text)]
        assert 1_000 < len(taken) < 2_500
        assert [text[:200] for text in taken if not postgres_takes(connection, text)] == []
