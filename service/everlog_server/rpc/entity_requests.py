"""What is asked of the knowledge graph, checked: pure functions, which raise BadRequestError."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from everlog.v1 import entities_pb2 as pb
from everlog_server.entities.pointers import declared_pointer_problem
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import EntityDeclaration, EntityKey
from everlog_server.rpc.fields import name_problem, text_problem, violations_of
from everlog_server.rpc.validation import VIOLATIONS_MAX
from everlog_server.settings import LimitSettings

# Those of the contract, whatever other names may be: the index stores no longer ids.
NAME_BYTES_MAX = 255
CHANGES_MAX = 100
EVENT_TYPES_MAX = 100
_ANY_ACTION = ".*"


def decode_declarations(request: pb.DeclareEntitiesRequest) -> list[EntityDeclaration]:
    """The declarations of a request; `withdrawn_names` are checked too."""
    violations = tuple(islice(_declare_violations(request), VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)
    return [
        EntityDeclaration(
            one.name,
            tuple(dict.fromkeys(one.event_types)),
            one.pointer,
            one.kind,
            one.subject,
            one.ignore_case,
        )
        for one in request.declarations
    ]


def decode_key(key: pb.EntityKey, path: str) -> EntityKey:
    """An entity that must be there whole."""
    violations = [
        violation
        for name, value in (("kind", key.kind), ("id", key.id))
        for violation in violations_of(f"{path}.{name}", name_problem(value, NAME_BYTES_MAX))
    ]
    if violations:
        raise BadRequestError(*violations)
    return EntityKey(key.kind, key.id)


def decode_link(
    request: pb.LinkEntitiesRequest, limits: LimitSettings
) -> tuple[EntityKey, EntityKey]:
    """The two ids of a link; `actor` is checked too."""
    one, other = decode_key(request.entity, "entity"), decode_key(request.same_as, "same_as")
    if one == other:
        raise BadRequestError(FieldViolation("same_as", f"is {one}, as `entity` is"))
    if (size := len(str(one).encode())) > limits.name_bytes_max:
        raise BadRequestError(
            FieldViolation(
                "entity",
                f"has {size} bytes as the id of an aggregate, {str(one)[:40]}…; at most"
                f" {limits.name_bytes_max}: put the shorter of the two there",
            )
        )
    problem = text_problem(request.actor, limits.name_bytes_max)
    if problem is not None:
        raise BadRequestError(FieldViolation("actor", problem))
    return one, other


def decode_listing(request: pb.ListEntitiesRequest) -> tuple[str | None, str | None]:
    """Kind and prefix; None: any."""
    violations = [
        violation
        for name, value in (("kind", request.kind), ("id_prefix", request.id_prefix))
        for violation in violations_of(name, text_problem(value, NAME_BYTES_MAX))
    ]
    if request.id_prefix and not request.kind:
        violations.append(FieldViolation("id_prefix", "may only be given with a kind"))
    if violations:
        raise BadRequestError(*violations)
    return request.kind or None, request.id_prefix or None


def _declare_violations(request: pb.DeclareEntitiesRequest) -> Iterator[FieldViolation]:
    if not request.declarations and not request.withdrawn_names:
        yield FieldViolation("declarations", "must have at least one, or `withdrawn_names`")
    for field in ("declarations", "withdrawn_names"):
        if (count := len(getattr(request, field))) > CHANGES_MAX:
            yield FieldViolation(field, f"has {count}; at most {CHANGES_MAX}")
            return
    seen: dict[str, str] = {}
    for index, one in enumerate(request.declarations):
        path = f"declarations[{index}]"
        yield from _declaration_violations(one, path)
        if (first := seen.setdefault(one.name, path)) != path:
            yield FieldViolation(f"{path}.name", f"is that of {first} too")
    for index, name in enumerate(request.withdrawn_names):
        path = f"withdrawn_names[{index}]"
        yield from violations_of(path, name_problem(name, NAME_BYTES_MAX))
        if (first := seen.setdefault(name, path)) != path:
            yield FieldViolation(path, f"is that of {first} too")


def _declaration_violations(one: pb.EntityDeclaration, path: str) -> Iterator[FieldViolation]:
    yield from violations_of(f"{path}.name", name_problem(one.name, NAME_BYTES_MAX))
    yield from _event_types_violations(one.event_types, f"{path}.event_types")
    yield from violations_of(f"{path}.pointer", declared_pointer_problem(one.pointer))
    yield from violations_of(f"{path}.kind", name_problem(one.kind, NAME_BYTES_MAX))
    yield from violations_of(f"{path}.subject", text_problem(one.subject, NAME_BYTES_MAX))


def _event_types_violations(names: Sequence[str], path: str) -> Iterator[FieldViolation]:
    if len(names) > EVENT_TYPES_MAX:
        yield FieldViolation(path, f"has {len(names)}; at most {EVENT_TYPES_MAX}")
        return
    for index, name in enumerate(names):
        yield from violations_of(f"{path}[{index}]", name_problem(name, NAME_BYTES_MAX))
        if "*" in name.removesuffix(_ANY_ACTION) or name == _ANY_ACTION:
            yield FieldViolation(
                f"{path}[{index}]", "may have a * only at the end, after a full stop: order.*"
            )
