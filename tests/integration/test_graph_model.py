"""Random graphs, walked by PostgreSQL and by a few lines of Python: the same nodes, edges, cuts."""

from __future__ import annotations

import random
import uuid
from typing import NamedTuple

import pytest

from everlog_server.model import LinkKind
from everlog_server.storage.graph import GraphReader, TraceAsked
from tests.factories import TENANT, new_event, open_house, parse

SLOW = pytest.mark.slow
EVENTS = 60
DANGLING = 5
KINDS = [frozenset([kind]) for kind in LinkKind] + [frozenset(LinkKind)]


def id_of(number: int) -> str:
    """Ids that grow with the log, as the server makes them; those that dangle are the last."""
    return str(uuid.UUID(int=(7 << 76) | (2 << 62) | number))


class Links(NamedTuple):
    """What each event names."""

    related: list[set[int]]
    cause: list[int | None]
    correlation: list[str]

    def named_by(self, number: int, kinds: frozenset[LinkKind]) -> set[tuple[int, LinkKind]]:
        """The events that one names."""
        if number >= EVENTS:
            return set()
        found: set[tuple[int, LinkKind]] = set()
        cause, correlation = self.cause[number], self.correlation[number]
        if LinkKind.RELATED in kinds:
            found |= {(other, LinkKind.RELATED) for other in self.related[number]}
        if LinkKind.CAUSATION in kinds and cause is not None:
            found.add((cause, LinkKind.CAUSATION))
        before = [n for n in range(number) if correlation and self.correlation[n] == correlation]
        if LinkKind.CORRELATION in kinds and before:
            found.add((before[-1], LinkKind.CORRELATION))
        return found


def random_links(chance: random.Random) -> Links:
    def anyone() -> int:
        return min(chance.randrange(EVENTS + DANGLING), chance.randrange(EVENTS + DANGLING))

    return Links(
        [{anyone() for _ in range(chance.choice([0, 0, 1, 3]))} for _ in range(EVENTS)],
        [anyone() if chance.random() < 0.3 else None for _ in range(EVENTS)],
        [chance.choice(["", "", "a", "b"]) for _ in range(EVENTS)],
    )


class Walked(NamedTuple):
    """What a walk finds."""

    depths: dict[int, int]
    edges: set[tuple[int, int, LinkKind]]
    is_cut: bool


def walk(links: Links, root: int, asked: TraceAsked) -> Walked:
    """Level by level, the oldest of each level first."""
    numbers = range(EVENTS + DANGLING)
    names = {n: links.named_by(n, asked.link_kinds) for n in numbers}
    depths = {root: 0}
    level = {root}
    is_cut = False
    for depth in range(1, asked.depth_max + 1):
        reached: set[int] = set()
        if asked.backwards:
            reached |= {other for n in level for other, _ in names[n]}
        if asked.forwards:
            reached |= {n for n in numbers if any(other in level for other, _ in names[n])}
        found = sorted(reached - depths.keys())
        room = asked.events_max - len(depths)
        is_cut |= len(found) > room
        level = set(found[:room])
        depths |= dict.fromkeys(level, depth)
    edges = {(n, other, kind) for n in depths for other, kind in names[n] if other in depths}
    return Walked(depths, edges, is_cut)


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=SLOW), pytest.param(4, marks=SLOW)])
async def test_a_walk_finds_what_a_model_finds(database_url: str, seed: int) -> None:
    chance = random.Random(seed)
    links = random_links(chance)
    async with open_house(database_url) as house:
        for n in range(EVENTS):
            cause = links.cause[n]
            await house.emit(
                new_event(
                    event_id=id_of(n),
                    context={"related_event_ids": sorted(map(id_of, links.related[n]))},
                    causation_id="" if cause is None else id_of(cause),
                    correlation_id=links.correlation[n],
                )
            )
        graphs = GraphReader(house.database)
        for _ in range(60):
            root = chance.randrange(EVENTS)
            backwards, forwards = chance.choice([(True, True), (True, False), (False, True)])
            asked = TraceAsked(
                event_id=uuid.UUID(id_of(root)).bytes,
                backwards=backwards,
                forwards=forwards,
                link_kinds=chance.choice(KINDS),
                depth_max=chance.choice([1, 2, 5, 100]),
                events_max=chance.choice([1, 5, 20, 1_000]),
            )
            graph = await graphs.trace(TENANT, asked, bytes_max=1 << 22)
            assert graph is not None
            expected = walk(links, root, asked)
            number_of = {id_of(n): n for n in range(EVENTS + DANGLING)}
            found = [number_of[event_id] for event_id in graph.event_ids]
            assert found == sorted(expected.depths)  # oldest first, then those that dangle
            assert dict(zip(found, graph.depths, strict=True)) == expected.depths
            edges = [(found[a], found[b], LinkKind(kind)) for a, b, kind in graph.edges]
            assert len(edges) == len(set(edges))
            assert set(edges) == expected.edges
            assert graph.is_truncated == expected.is_cut
            recorded = [number_of[event.event_id] for event in parse(graph.records)]
            assert recorded == [n for n in found if n < EVENTS] == found[: graph.events]
