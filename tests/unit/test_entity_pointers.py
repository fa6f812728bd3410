"""How pointers are read, and what a change of declarations comes to."""

from __future__ import annotations

import pytest

from everlog_server.entities.declarations import changed, compiled
from everlog_server.entities.pointers import compile_pointer, declared_pointer_problem
from everlog_server.errors import BadRequestError
from everlog_server.model import EntityDeclaration


@pytest.mark.parametrize(
    ("pointer", "path", "jsonpath", "steps"),
    [
        ("/customer/email", ("customer", "email"), None, ()),
        ("/items/0/sku", ("items", "0", "sku"), None, ()),
        ("/a~1b/~0c", ("a/b", "~c"), None, ()),
        ("/", ("",), None, ()),
        (
            "/items/*/sku",
            ("items",),
            'strict $?(@.type()=="array")[*]?(exists(@."sku"))."sku"',
            (),
        ),
        ("/a/-1", ("a",), 'strict $?(exists(@."-1"))."-1"', ()),
        ("/a/007", ("a",), 'strict $?(exists(@."007"))."007"', ()),
        ("/a/*/0", ("a",), None, ("*", "0")),
    ],
)
def test_a_pointer_becomes_what_postgresql_reads_as_it_is_meant(
    pointer: str, path: tuple[str, ...], jsonpath: str | None, steps: tuple[str, ...]
) -> None:
    assert declared_pointer_problem(pointer) is None
    assert compile_pointer(pointer) == (path, jsonpath, steps)


@pytest.mark.parametrize("pointer", ["", "a", "/~", "/~2", "/a\0", "/a" * 33, "/" + "é" * 512])
def test_what_is_no_pointer_is_told(pointer: str) -> None:
    assert declared_pointer_problem(pointer)


def declaration(name: str, kind: str = "k", *, ignore_case: bool = False) -> EntityDeclaration:
    return EntityDeclaration(name, ("a.b", "c.*"), "/a", kind, "", ignore_case)


def test_a_change_replaces_by_name_adds_and_withdraws() -> None:
    before = (declaration("a"), declaration("b"), declaration("c"))
    after = changed(before, [declaration("d"), declaration("b", "l")], ["a"])
    assert after == (declaration("b", "l"), declaration("c"), declaration("d"))
    assert changed(before, before, []) == before


def test_a_change_that_cannot_be_is_refused_by_field() -> None:
    before = [declaration(str(n)) for n in range(100)]
    for declared, withdrawn, field in (
        ([declaration("new")], [], "declarations"),
        ([], ["unknown"], "withdrawn_names[0]"),
        ([declaration("1", ignore_case=True)], [], "declarations[0].ignore_case"),
    ):
        with pytest.raises(BadRequestError) as refusal:
            changed(before, declared, withdrawn)
        assert [violation.field for violation in refusal.value.violations] == [field]
    assert len(changed(before, [declaration("new")], ["1"])) == 100


def test_prefixes_of_event_types_keep_their_full_stop() -> None:
    assert compiled(declaration("a")).event_type_prefixes == ["c."]
