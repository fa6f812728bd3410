"""Messages put together from parts that are serialized already.

Joined serialized messages of one type are the serialized merge of them, and a repeated field's
elements follow each other (protobuf's encoding guide, "Last One Wins"). So a message that holds
others is made of their bytes, without an object that would copy them.
"""


def varint(value: int) -> bytes:
    """Encode a number from 0 on, 7 bits a byte, the lowest first."""
    if value < 0x80:
        return bytes((value,))
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    return bytes((value & 0x7F | 0x80,)) + varint(value >> 7)


def element(number: int, message: bytes) -> bytes:
    """Encode a field, with a number below 16, that holds a message."""
    return b"".join((bytes((number << 3 | 2,)), varint(len(message)), message))
