"""Protobuf messages of any type, made from its descriptor: plain, hostile, and broken on the wire.

A message has all that is plain, or some of it, or mostly what has ever been trouble to somebody's
parser: what is refused at its first field tells nothing about its others. Plain names are few, so
that requests meet what others have made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

    from google.protobuf.message import Message

DEPTH_MAX = 5
ID = "01976a3c-8d2e-7cc0-a1b2-c3d4e5f60718"

_NAMES = ["a", "b", "order", "1"]
_IDS = ("", ID, ID.upper(), ID.replace("0", "1"))
# What a field takes that has no plain name, by the field's name.
_PLAIN: dict[str, Sequence[str]] = {
    **dict.fromkeys(("event_id", "causation_id", "related_event_ids", "after_event_id"), _IDS),
    **dict.fromkeys(
        ("json", "data_contains", "example"), ('{"a": 1}', '{"a": {"b": [1.5]}}', "{}")
    ),
    **dict.fromkeys(("initial_state", "constant"), ("{}", '{"a": 0}')),
    **dict.fromkeys(("event_type", "event_types"), ("a.b", "order.created", "a.*")),
    **dict.fromkeys(("pointer", "from", "subject"), ("/a", "/a/b/0", "/*/a", "/data/a")),
    "target": ["/a", "/b/c", ""],
    "content_type": ["", "application/json"],
    "page_token": [""],
    "aggregate_id_pattern": ["", "[a-z0-9]+"],
    "json_schema": ["", '{"type": "object", "properties": {"a": {"$ref": "#"}}}', "true"],
    "tables": ["", "CREATE TABLE t (a text PRIMARY KEY, n bigint)"],
    "statements": ["SELECT %(data.a)s::int", "UPDATE t SET n = n + 1 WHERE a = %(actor)s"],
}
_HOSTILE = [
    *("\0", "a\0b", " ", "*", ".*", "a.*.b", "\ufeff", "\u2028", "é" * 130, "x" * 255, "x" * 256),
    *("😀" * 70, "Ⓐ", "ΟΔΟΣ", "İ", "\x1b[31m", "a\nb", "%s", "%(data.a)s", "%", "{}", "{0}"),
    *("'; DROP TABLE everlog.events; --", '"', "\\", "$1", "$$", "../..", "/a/0/~1", "/~", "/a/*"),
    *(ID.upper(), ID[:-1] + "g", ID.replace("-", ""), "public", "pg_catalog", "everlog", "a_b"),
    *('{"a": 1}', "[]", "null", "1e400", "0e-99999", '"\\u0000"', '"\\ud800"', "[" * 300, "NaN"),
    *("SELECT 1", "CREATE TABLE t (a int)", "SELECT %(data.a)s; SELECT 2", "SELECT 1/0", "/* /*"),
    *('{"$ref": "#"}', '{"pattern": "(a*)*b"}', '{"type": "object"}', "application/json"),
]
_INTEGERS = [
    0,
    1,
    2,
    7,
    100,
    1000,
    1001,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**62,
    2**63 - 1,
    2**64 - 1,
]
_FLOATS = [0.0, 0.5, 1.0, 2.0, -1.0, 1e-320, 1e308, float("inf"), float("-inf"), float("nan")]

_F = FieldDescriptor
_BOUNDS = {
    _F.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    _F.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    _F.CPPTYPE_UINT32: (0, 2**32 - 1),
    _F.CPPTYPE_UINT64: (0, 2**64 - 1),
}

texts = st.one_of(
    st.sampled_from(_NAMES),
    st.sampled_from(_HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def messages(descriptor: Descriptor) -> st.SearchStrategy[Message]:
    """Messages of a type, each field of which may be there."""
    return st.composite(lambda draw: _Maker(draw).message(descriptor, 0))()


class _Maker:
    """Makes one message."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._hostile_in_eight = draw(st.sampled_from([0, 0, 1, 6]))
        self._fields_in_eight = draw(st.sampled_from([3, 6, 8]))

    def message(self, descriptor: Descriptor, depth: int) -> Message:
        message = GetMessageClass(descriptor)()
        groups: dict[str, list[FieldDescriptor]] = {}
        for field in descriptor.fields:
            one_of = field.containing_oneof
            groups.setdefault(one_of.name if one_of else field.name, []).append(field)
        for fields in groups.values():
            if self._draw(st.integers(1, 8)) <= self._fields_in_eight:
                self._fill(message, self._draw(st.sampled_from(fields)), depth)
        return message

    def _fill(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        inner = field.message_type
        if inner is not None and inner.GetOptions().map_entry:
            key, value = inner.fields_by_name["key"], inner.fields_by_name["value"]
            if value.message_type is None:
                for _ in range(self._draw(st.integers(0, 2))):
                    getattr(message, field.name)[self._scalar(key)] = self._scalar(value)
        elif inner is not None:
            if depth < DEPTH_MAX:
                for _ in range(self._draw(st.integers(0, 2)) if field.is_repeated else 1):
                    one = self.message(inner, depth + 1)
                    if field.is_repeated:
                        getattr(message, field.name).append(one)
                    else:
                        getattr(message, field.name).CopyFrom(one)
        elif field.is_repeated:
            for _ in range(self._draw(st.integers(1, 3))):
                getattr(message, field.name).append(self._scalar(field))
        else:
            setattr(message, field.name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        is_hostile = self._draw(st.integers(1, 8)) <= self._hostile_in_eight
        return self._draw(_hostile(field) if is_hostile else _plain(field))


def _plain(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if kind == _F.CPPTYPE_STRING:
        return (
            st.sampled_from(_PLAIN.get(field.name, _NAMES))
            if field.type == _F.TYPE_STRING
            else st.binary(max_size=30)
        )
    if kind == _F.CPPTYPE_BOOL:
        return st.booleans()
    if kind == _F.CPPTYPE_ENUM:
        return st.sampled_from([one.number for one in field.enum_type.values])
    if field.name == "nanos":
        return st.sampled_from([0, 1_000_000, 999_999_999])
    return st.integers(0, 7)


def _hostile(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    kind = field.cpp_type
    if kind == _F.CPPTYPE_STRING and field.type == _F.TYPE_STRING:
        return texts
    if kind == _F.CPPTYPE_ENUM:
        return st.sampled_from([-1, 99, 2**31 - 1])
    if kind in _BOUNDS:
        least, most = _BOUNDS[kind]
        values = [n for n in (*_INTEGERS, *(-n for n in _INTEGERS)) if least <= n <= most]
        return st.sampled_from([*values, least])
    if kind == _F.CPPTYPE_DOUBLE:
        return st.sampled_from(_FLOATS)
    if kind == _F.CPPTYPE_FLOAT:
        return st.sampled_from([n for n in _FLOATS if n != 1e308])
    return _plain(field)


@st.composite
def mangled(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that are like others, with up to three things done to them."""
    data = bytearray(draw(whole))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "insert", "cut", "drop", "repeat"])):
            case "set" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.binary(max_size=6))
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 4))]
            case "repeat":
                data += data[at : at + 100]
            case _:
                pass
    return bytes(data)


def wires(descriptor: Descriptor) -> st.SearchStrategy[bytes]:
    """Serialized messages: as they should be, mangled, and mere bytes."""
    whole = messages(descriptor).map(lambda message: message.SerializeToString())
    return st.one_of(whole, whole, mangled(whole), st.binary(max_size=200))
