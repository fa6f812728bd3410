"""What makes a grant sound, wherever it comes from: a request, a JWT's claims, a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import Grant, Role

LIMITS_MAX = 100
"""Of the tenants, aggregate types and event types of one grant, each."""
NAME_BYTES_MAX = 255
RATE_MAX = 1_000_000_000

_Problem = Callable[[str], "str | None"]

_ANY_ACTION = ".*"
_VIOLATIONS_MAX = 20
_TENANT_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_TENANT_LENGTH_MAX = 63


def check_grant(grant: Grant, path: str = "grant") -> None:
    """Raises BadRequestError, which names each field that is wrong, and its value."""
    violations = tuple(islice(_violations(grant, path), _VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)


def text_problem(text: str, bytes_max: int = NAME_BYTES_MAX) -> str | None:
    """What is wrong with a text that is shown to people, and stamped on events."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > bytes_max:
        return f"has {size} bytes; at most {bytes_max}"
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        return "holds a control character"
    if any(0xD800 <= ord(character) < 0xE000 for character in text):
        return "holds half a character"
    return None


def _violations(grant: Grant, path: str) -> Iterator[FieldViolation]:
    if not grant.roles:
        yield FieldViolation(f"{path}.roles", "must name one at least")
    is_operator = Role.OPERATOR in grant.roles
    if not grant.tenants and not is_operator:
        yield FieldViolation(f"{path}.tenants", "must name one at least, unless for an operator")
    yield from _listed(grant.tenants, f"{path}.tenants", _tenant_problem)
    yield from _listed(grant.aggregate_types, f"{path}.aggregate_types", _name_problem)
    yield from _listed(grant.event_types, f"{path}.event_types", _type_problem)
    for name in ("actor", "user_id"):
        if problem := text_problem(getattr(grant, name)):
            yield FieldViolation(f"{path}.{name}", problem)
    yield from _contradictions(grant, path, is_operator=is_operator)
    for name in ("events_per_second", "calls_per_second"):
        if not 0 <= (rate := getattr(grant, name)) <= RATE_MAX:
            yield FieldViolation(f"{path}.{name}", f"is {rate}; 0 to {RATE_MAX:,}")


def _contradictions(grant: Grant, path: str, *, is_operator: bool) -> Iterator[FieldViolation]:
    if grant.own_only:
        if not grant.user_id:
            yield FieldViolation(f"{path}.user_id", "must be given: own_only means its events")
        if grant.acts_for_others:
            yield FieldViolation(
                f"{path}.acts_for_others", "contradicts own_only: its events are of its user_id"
            )
    if is_operator:
        # An operator makes itself any token: what is said here would hold nobody off.
        for name in ("aggregate_types", "event_types", "own_only"):
            if getattr(grant, name):
                yield FieldViolation(f"{path}.{name}", "can't limit an operator")


def _listed(values: Sequence[str], path: str, problem_of: _Problem) -> Iterator[FieldViolation]:
    if len(values) > LIMITS_MAX:
        yield FieldViolation(path, f"has {len(values):,} values; at most {LIMITS_MAX}")
        return
    seen = set()
    for index, value in enumerate(values):
        problem = "is given twice" if value in seen else problem_of(value)
        if problem is not None:
            yield FieldViolation(f"{path}[{index}]", problem)
        seen.add(value)


def _tenant_problem(name: str) -> str | None:
    if 1 <= len(name) <= _TENANT_LENGTH_MAX and _TENANT_CHARACTERS.issuperset(name):
        return None
    return f"is {name[:100]!r}; a tenant's name has 1 to 63 characters of a-z, 0-9, . _ and -"


def _name_problem(name: str) -> str | None:
    return text_problem(name) if name else "is empty"


def _type_problem(name: str) -> str | None:
    if problem := _name_problem(name):
        return problem
    # As in an EventFilter.
    if "*" in name and (name.count("*") > 1 or not name.endswith(_ANY_ACTION) or len(name) < 3):
        return f"is {name!r}; a prefix ends with `.*`, as `order.*`"
    return None
