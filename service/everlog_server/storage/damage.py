"""Whether records are what they were when they were stored.

Nothing of ours ever changes a record, and PostgreSQL's checksums see what a disk changes. What is
left is whoever may do anything there: a superuser's UPDATE, a botched restore. Passed on, one such
record would make a whole response unreadable, of which nobody could say which event is to blame.

Judged is how records are built of fields, not what the fields hold, which is all that a look in
passing can cost: 0.1 µs an event, where parsing them would take five times that.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2, message_factory
from google.protobuf.message import DecodeError

_PACKAGE = "everlog.internal"
_NAME = "Frames"


def _frames_class() -> type:
    """`message Frames { repeated Empty events = 1; }`: to an Empty, every field is unknown."""
    file = descriptor_pb2.FileDescriptorProto(
        name="everlog/internal/frames.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[empty_pb2.DESCRIPTOR.name],
    )
    field = file.message_type.add(name=_NAME).field.add(name="events", number=1)
    field.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = f".{empty_pb2.DESCRIPTOR.package}.Empty"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(empty_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{_NAME}"))


_parse = _frames_class().FromString  # type: ignore[attr-defined]  # every message's class has it


def are_whole(records: bytes, events: int) -> bool:
    """Whether joined records are so many events."""
    try:
        frames = _parse(records)
    except DecodeError:
        return False
    return len(frames.events) == events
