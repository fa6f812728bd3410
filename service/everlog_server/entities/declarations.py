"""What a tenant declares, and how a change becomes the next set of declarations: pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from everlog_server.entities.pointers import compile_pointer
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import EntityDeclaration
from everlog_server.storage.entities import CompiledDeclaration

DECLARATIONS_MAX = 100
_ANY_ACTION = ".*"


def changed(
    before: Sequence[EntityDeclaration],
    declared: Sequence[EntityDeclaration],
    withdrawn_names: Sequence[str],
) -> tuple[EntityDeclaration, ...]:
    """All declarations after a change, by name. The new ones have different names.

    Raises BadRequestError: a name that is withdrawn is not declared, there are too many, or two of
    one kind disagree about case, so that nobody could tell how to look for an id of that kind.
    """
    by_name = {one.name: one for one in before}
    violations = [
        FieldViolation(f"withdrawn_names[{index}]", f"nothing is declared as {name!r}")
        for index, name in enumerate(withdrawn_names)
        if by_name.pop(name, None) is None
    ]
    by_name |= {one.name: one for one in declared}
    if len(by_name) > DECLARATIONS_MAX:
        violations.append(
            FieldViolation(
                "declarations", f"there would be {len(by_name)} in all; at most {DECLARATIONS_MAX}"
            )
        )
    violations += _disagreements(declared, by_name.values())
    if violations:
        raise BadRequestError(*violations[:20])
    return tuple(by_name[name] for name in sorted(by_name, key=str.encode))


def _disagreements(
    declared: Sequence[EntityDeclaration], together: Collection[EntityDeclaration]
) -> Iterator[FieldViolation]:
    for index, one in enumerate(declared):
        for other in together:
            if other.kind == one.kind and other.ignore_case != one.ignore_case:
                yield FieldViolation(
                    f"declarations[{index}].ignore_case",
                    f"is {str(one.ignore_case).lower()}, but not for {other.name!r}, which is of"
                    f" the same kind {one.kind!r}",
                )
                break


def compiled(declaration: EntityDeclaration) -> CompiledDeclaration:
    """A declaration that was checked, as the index reads it."""
    prefixes = [
        name.removesuffix("*") for name in declaration.event_types if name.endswith(_ANY_ACTION)
    ]
    return CompiledDeclaration(declaration, prefixes, *compile_pointer(declaration.pointer))
