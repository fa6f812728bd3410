"""What a limited caller may see: a scope as a filter, and as a question about one event."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from everlog_server.identity.scopes import NOTHING, Scope
from everlog_server.model import AggregateKey, EventFilter, Grant, Role, TailEvent
from everlog_server.subscriptions.matching import matcher

AGGREGATES = ["order", "note", "orders"]
TYPES = ["order.created", "order.line.added", "orders.merged", "note.taken", "epic_started"]
PATTERNS = ["order.*", "order.line.*", "note.*", "none.*"]
USERS = ["ann", "bob"]


class Seen(NamedTuple):
    """What matters of an event."""

    aggregate_type: str
    event_type: str
    user_id: str | None


EVERYTHING = [
    Seen(aggregate_type, event_type, user_id)
    for aggregate_type in AGGREGATES
    for event_type in TYPES
    for user_id in (None, *USERS)
]

grants = st.builds(
    Grant,
    roles=st.just(frozenset({Role.READ})),
    aggregate_types=st.lists(st.sampled_from([*AGGREGATES, "none"]), max_size=2).map(tuple),
    event_types=st.lists(st.sampled_from(TYPES + PATTERNS), max_size=3).map(tuple),
    own_only=st.booleans(),
    user_id=st.sampled_from(["", *USERS]),
)
filters = st.builds(
    EventFilter,
    aggregate_types=st.lists(st.sampled_from(AGGREGATES), max_size=2).map(tuple),
    aggregate=st.sampled_from([None, AggregateKey("order", "1"), AggregateKey("note", "1")]),
    event_types=st.lists(st.sampled_from(TYPES), max_size=2).map(tuple),
    event_type_prefixes=st.lists(
        st.sampled_from(PATTERNS).map(lambda pattern: pattern[:-1]), max_size=2
    ).map(tuple),
    user_id=st.sampled_from([None, *USERS]),
)


def meant(event_filter: EventFilter) -> set[Seen]:
    matches = matcher(event_filter)
    return {seen for seen in EVERYTHING if matches(tail_event(seen))}


def tail_event(seen: Seen) -> TailEvent:
    aggregate = AggregateKey(seen.aggregate_type, "1")
    return TailEvent(
        1, b"", aggregate, seen.event_type, 0, 0, None, None, None, None, seen.user_id, False
    )


def granted(grant: Grant, seen: Seen) -> bool:
    """The contract's words on Grant, one by one."""
    if grant.aggregate_types and seen.aggregate_type not in grant.aggregate_types:
        return False
    if grant.event_types and not any(
        seen.event_type.startswith(name[:-1]) if name.endswith(".*") else seen.event_type == name
        for name in grant.event_types
    ):
        return False
    return not grant.own_only or (bool(grant.user_id) and seen.user_id == grant.user_id)


@given(grants, filters)
def test_a_narrowed_filter_means_what_the_filter_and_the_grant_mean(
    grant: Grant, event_filter: EventFilter
) -> None:
    scope = Scope.of(grant)
    both = {seen for seen in meant(event_filter) if granted(grant, seen)}
    if scope is None:
        assert both == meant(event_filter)
        return
    assert meant(scope.narrow(event_filter)) == both
    assert {seen for seen in EVERYTHING if scope.has(*seen)} == {
        seen for seen in EVERYTHING if granted(grant, seen)
    }


@given(grants, grants)
def test_page_tokens_are_shared_only_by_those_who_see_the_same(one: Grant, other: Grant) -> None:
    scopes = Scope.of(one), Scope.of(other)
    if scopes[0] is None or scopes[1] is None:
        return
    if scopes[0].key == scopes[1].key:
        assert all(granted(one, seen) == granted(other, seen) for seen in EVERYTHING)
    same = Scope.of(replace(one, aggregate_types=one.aggregate_types[::-1]))
    assert same is not None
    assert same.key == scopes[0].key


def test_nothing_matches_nothing() -> None:
    assert not meant(NOTHING)


def test_an_own_scope_without_a_user_has_nothing() -> None:
    scope = Scope.of(Grant(roles=frozenset({Role.READ}), own_only=True))
    assert scope is not None
    assert not any(scope.has(*seen) for seen in EVERYTHING)
    assert scope.narrow(EventFilter()) == NOTHING
