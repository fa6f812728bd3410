"""Judging an event by a filter in memory, for those parts of a filter that need no database.

The twin of the predicates in storage/sql/reads.sql; tests/integration/test_filters_agree.py holds
them together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from everlog_server.model import EventFilter, TailEvent

_Test = Callable[[TailEvent], bool]


def matcher(event_filter: EventFilter) -> Callable[[TailEvent], bool]:
    """A predicate that is true for the events that the filter means.

    The filter must not need the database: `needs_database` is false.
    """
    tests = [*_name_tests(event_filter), *_time_tests(event_filter), *_other_tests(event_filter)]
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _name_tests(f: EventFilter) -> Iterator[_Test]:
    aggregate_types = frozenset(f.aggregate_types)
    event_types, prefixes = frozenset(f.event_types), f.event_type_prefixes
    sources = frozenset(f.sources)
    if f.aggregate is not None:
        yield lambda e: e.aggregate == f.aggregate
    if aggregate_types:
        yield lambda e: e.aggregate.aggregate_type in aggregate_types
    if event_types or prefixes:
        yield lambda e: e.event_type in event_types or e.event_type.startswith(prefixes)
    if sources:
        yield lambda e: e.source in sources


def _time_tests(f: EventFilter) -> Iterator[_Test]:
    recorded_from, recorded_before = f.recorded_from, f.recorded_before
    occurred_from, occurred_before = f.occurred_from, f.occurred_before
    if recorded_from is not None:
        yield lambda e: e.record_time >= recorded_from
    if recorded_before is not None:
        yield lambda e: e.record_time < recorded_before
    if occurred_from is not None:
        yield lambda e: e.occurred_time >= occurred_from
    if occurred_before is not None:
        yield lambda e: e.occurred_time < occurred_before


def _other_tests(f: EventFilter) -> Iterator[_Test]:
    if f.correlation_id is not None:
        yield lambda e: e.correlation_id == f.correlation_id
    if f.causation_id is not None:
        yield lambda e: e.causation_id == f.causation_id
    if f.actor is not None:
        yield lambda e: e.actor == f.actor
    if f.user_id is not None:
        yield lambda e: e.user_id == f.user_id
    if f.documentable_only:
        yield lambda e: e.documentable
