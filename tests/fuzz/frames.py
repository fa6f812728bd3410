"""What a hostile or a broken client sends to a port that speaks HTTP/2: bytes, frame by frame.

Written by hand: a library that speaks HTTP/2 well would not let one speak it badly.
"""

from __future__ import annotations

import enum
import random
import struct
from collections.abc import Callable
from typing import NamedTuple

from everlog.v1 import event_pb2, event_store_pb2

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_BYTES_MAX = 16_384
_EMIT = "/everlog.v1.EventStoreService/Emit"
_PATHS = [
    _EMIT,
    "/everlog.v1.EventStoreService/EmitStream",
    "/everlog.v1.EventStoreService/Subscribe",
    "/everlog.v1.ConsumerService/Consume",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/no.such.Service/Method",
    "//",
    "",
]
_HEAD_FRAMES = 2
"""What begins a connection well: the preface, and settings."""


class Type(enum.IntEnum):
    """Of a frame."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


END_STREAM, END_HEADERS, PADDED = 1, 4, 8


class Attack(NamedTuple):
    """What one connection sends."""

    frames: list[bytes]
    aborts: bool = False
    """Whether it is torn down at the end, rather than half-closed."""

    @property
    def count(self) -> int:
        """How many frames are malformed or unwelcome: without those that begin it well."""
        begins_well = self.frames[:1] == [PREFACE]
        return len(self.frames) - (_HEAD_FRAMES if begins_well else 0)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One, whose length is right."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: bytes, value: bytes, *, indexed: bool = False) -> bytes:
    """A header field for HPACK, without Huffman's code."""
    return (b"\x40" if indexed else b"\x00") + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    return _integer(len(text), 7) + text


def _integer(value: int, bits: int) -> bytes:
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    value, encoded = value - most, bytearray([most])
    while value >= 128:
        encoded.append(value % 128 + 128)
        value //= 128
    return bytes([*encoded, value])


def request_headers(path: str, *more: tuple[bytes, bytes]) -> bytes:
    """The header block of a call."""
    fields = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path.encode()),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        *more,
    ]
    return b"".join(literal(name, value) for name, value in fields)


def call(stream: int, path: str = _EMIT, *, flags: int = 0) -> bytes:
    """The HEADERS of a call."""
    return frame(Type.HEADERS, END_HEADERS | flags, stream, request_headers(path))


def message(payload: bytes, *, compressed: int = 0, length: int | None = None) -> bytes:
    """A message of gRPC, behind its prefix."""
    size = len(payload) if length is None else length
    return struct.pack(">BI", compressed, size) + payload


def data(stream: int, payload: bytes, *, flags: int = END_STREAM) -> bytes:
    """Of at most 16 KiB, or an oversize one."""
    return frame(Type.DATA, flags, stream, payload)


def begun(*frames: bytes) -> list[bytes]:
    """A connection that begins well."""
    return [PREFACE, frame(Type.SETTINGS, 0, 0), *frames]


def garbage(rng: random.Random) -> Attack:
    """No HTTP/2 at all."""
    text = rng.choice(
        [
            rng.randbytes(rng.randint(1, 300)),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /everlog.v1.EventStoreService/Emit HTTP/1.0\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(200),  # TLS
            PREFACE[: rng.randint(1, 23)],
            PREFACE.replace(b"SM", b"XX"),
            b"\0" * rng.randint(1, 20_000),
        ]
    )
    return Attack([text], aborts=rng.random() < 0.3)


def random_frame(rng: random.Random) -> Attack:
    """A frame of anything, or one that says another length than it has."""
    payload = rng.randbytes(rng.choice([0, 1, 4, 5, 8, 9, 100, 20_000]))
    kind, flags = rng.randint(0, 12), rng.randint(0, 255)
    one = frame(kind, flags, rng.choice([0, 1, 2, 3, 2**31 - 1, 2**32 - 1]), payload)
    if rng.random() < 0.3:
        one = struct.pack(">I", rng.randint(0, 2**24 - 1))[1:] + one[3:]
    return Attack(begun(one), aborts=rng.random() < 0.3)


def wrong_frame(rng: random.Random) -> Attack:
    """A frame that the protocol forbids where it stands."""
    one = rng.choice(
        [
            frame(Type.SETTINGS, 0, 0, b"\0" * 5),
            frame(Type.SETTINGS, 0, 1),
            frame(Type.SETTINGS, 1, 0, b"\0" * 6),
            frame(Type.SETTINGS, 0, 0, struct.pack(">HI", 4, 2**32 - 1)),  # a window
            frame(Type.SETTINGS, 0, 0, struct.pack(">HI", 5, 1)),  # a frame's size
            frame(Type.WINDOW_UPDATE, 0, 0, struct.pack(">I", 0)),
            frame(Type.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 2,
            frame(Type.PING, 0, 0, b"1"),
            frame(Type.PING, 0, 3, b"12345678"),
            frame(Type.DATA, 0, 0, b"x"),
            frame(Type.DATA, 0, 99, b"x"),
            frame(Type.DATA, PADDED, 1, b"\xff"),
            frame(Type.HEADERS, END_HEADERS, 2, request_headers(_EMIT)),
            frame(Type.HEADERS, END_HEADERS, 0, request_headers(_EMIT)),
            frame(Type.CONTINUATION, END_HEADERS, 1, b""),
            frame(Type.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2"),
            frame(Type.PRIORITY, 0, 1, struct.pack(">IB", 1, 0)),
            frame(Type.RST_STREAM, 0, 0, b"\0\0\0\0"),
            frame(Type.RST_STREAM, 0, 1, b"\0"),
            frame(Type.GOAWAY, 0, 0, b"\0"),
            frame(Type.HEADERS, 0, 1, request_headers(_EMIT)) + frame(Type.PING, 0, 0, b"12345678"),
            b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + b"x" * 1000,
        ]
    )
    return Attack(begun(one))


def wrong_headers(rng: random.Random) -> Attack:
    """A block that HPACK can't read, or that says too much."""
    block = rng.choice(
        [
            b"\x80",  # index 0
            b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # an index without end
            b"\xbf\xff\x7f",  # beyond the table
            b"\x3f\xff\xff\xff\xff\x0f",  # a table of 4 GiB
            b"\x00\x7f\xff\xff\xff\xff\x0f",  # a name of 4 GiB
            b"\x00\x85" + b"\xff" * 5 + b"\x00",  # Huffman's end within
            literal(b"UPPER", b"x"),
            literal(b":path", b"/a") * 2,
            literal(b"", b""),
            literal(b"everlog-tenant", b"\0\r\n"),
            request_headers(_EMIT, (b"grpc-timeout", b"99999999999H")),
            request_headers(_EMIT, (b"grpc-encoding", b"snappy")),
            request_headers(_EMIT, (b"x-bin", b"!!!not base64")),
            request_headers("/" + "x" * 60_000)[:_FRAME_BYTES_MAX],
            request_headers(_EMIT, *[(b"x-%d" % n, b"v" * 500) for n in range(29)]),
            rng.randbytes(rng.randint(1, 200)),
        ]
    )
    return Attack(begun(frame(Type.HEADERS, END_HEADERS | END_STREAM, 1, block)))


def header_bomb(rng: random.Random) -> Attack:
    """One entry of 4 KiB, and then hundreds of bytes each of which means it."""
    return header_bombs(rng.randint(1, 10), entries=500)


def header_bombs(calls: int, *, entries: int) -> Attack:
    """So many calls whose headers are so many references to one entry of 4 KiB, a byte each.

    Our settings are never acknowledged. Until they are, gRPC takes headers of up to 16 MiB.
    """
    entry = literal(b"x-bomb", b"b" * 4000, indexed=True)
    first = frame(Type.HEADERS, END_HEADERS, 1, request_headers(_EMIT) + entry)
    block = request_headers(_EMIT) + b"\xbe" * entries
    more = [frame(Type.HEADERS, END_HEADERS, 3 + 2 * n, block) for n in range(calls)]
    return Attack(begun(first, *more))


def endless_headers(rng: random.Random) -> Attack:
    """A block that goes on and on, and never ends."""
    first = frame(Type.HEADERS, 0, 1, request_headers(_EMIT))
    size = rng.choice([0, 1, 100, _FRAME_BYTES_MAX - 20])
    one = frame(Type.CONTINUATION, 0, 1, literal(b"x", b"y" * size) if size else b"")
    return Attack(begun(first, *[one] * rng.randint(10, 60)))


def wrong_messages(rng: random.Random) -> Attack:
    """Calls whose messages say another length than they have, or are compressed by nothing."""
    payloads = [
        message(b"", length=2**32 - 1),
        message(b"abc", length=2**31),
        message(b"abc", length=9),
        message(b"abc", length=1),
        message(b"abc", compressed=1),
        message(b"abc", compressed=255),
        b"\0\0",
        b"",
        message(b"\xff" * 300),
        message(b"") * 50,
        rng.randbytes(40),
    ]
    frames = []
    for stream in range(1, 2 * rng.randint(5, 40), 2):
        frames.append(call(stream, rng.choice(_PATHS)))
        frames.append(data(stream, rng.choice(payloads)))
    return Attack(begun(*frames), aborts=rng.random() < 0.2)


def hostile_messages(rng: random.Random) -> Attack:
    """Valid messages whose depth or number is the trouble."""
    deep_json = "[" * 5000 + "]" * 5000
    events = [
        event_pb2.NewEvent(aggregate_type="a", aggregate_id="b", event_type="c", json=deep_json),
        event_pb2.NewEvent(metadata={str(n): "" for n in range(1000)}),
        event_pb2.NewEvent(event_type="x" * 15_000),
    ]
    payloads = [
        *(event_store_pb2.EmitRequest(events=[one]).SerializeToString() for one in events),
        b"\x0a\x00" * 5000,  # as many events, all of them empty
        b"\x0b" * 5000,  # groups within groups
        (b"\x0a\x02\x0a\x00") * 2000,
        b"\x98\x06\x01" * 5000,  # fields that nobody knows
        b"\xff" * 9 + b"\x01" + b"\x0a",
    ]
    frames = []
    for stream in range(1, 2 * rng.randint(2, 12), 2):
        frames.append(call(stream, rng.choice(_PATHS[:4])))
        frames.append(data(stream, message(rng.choice(payloads))[:_FRAME_BYTES_MAX]))
    return Attack(begun(*frames))


def rapid_reset(rng: random.Random) -> Attack:
    """Calls that are taken back as soon as they are made (CVE-2023-44487)."""
    frames = []
    path = rng.choice(_PATHS)
    for stream in range(1, 2 * rng.randint(50, 150), 2):
        frames.append(call(stream, path))
        frames.append(frame(Type.RST_STREAM, 0, stream, struct.pack(">I", 8)))
    return Attack(begun(*frames))


def floods(rng: random.Random) -> Attack:
    """Frames that ask for an answer each, or for nothing at all (CVE-2019-9512 and the like)."""
    one = rng.choice(
        [
            frame(Type.PING, 0, 0, b"12345678"),
            frame(Type.SETTINGS, 0, 0, struct.pack(">HI", 3, 100)),
            frame(Type.PRIORITY, 0, 5, struct.pack(">IB", 0, 1)),
            frame(Type.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)),
            frame(11, 0, 0, b"unknown"),
        ]
    )
    return Attack(begun(*[one] * rng.randint(50, 200)))


def empty_data(rng: random.Random) -> Attack:
    """A call to which nothing is added, many times."""
    return Attack(begun(call(1), *[data(1, b"", flags=0)] * rng.randint(50, 200)))


def half_open(rng: random.Random) -> Attack:
    """Calls that begin and never go on."""
    streams = range(1, 2 * rng.randint(2, 40), 2)
    frames = [call(stream, rng.choice(_PATHS)) for stream in streams]
    frames += [data(stream, b"\0\0\0\1", flags=0) for stream in streams]
    return Attack(begun(*frames), aborts=rng.random() < 0.5)


ATTACKS: list[Callable[[random.Random], Attack]] = [
    garbage,
    random_frame,
    wrong_frame,
    wrong_headers,
    header_bomb,
    endless_headers,
    wrong_messages,
    hostile_messages,
    rapid_reset,
    floods,
    empty_data,
    half_open,
]
