"""From what is emitted to a new event: its type, aggregate, key, actor, time and payload.

Everything is taken while `emit` runs. A later listener may change the object, and what waits in the
buffer is bounded by its bytes, which only the finished text has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

from everlog.emitters.jsonable import fields_of, storable_text, to_json
from everlog.emitters.naming import Ordinals, fitting, key_prefix, world_aggregate
from everlog.events import Event

Place: TypeAlias = Callable[[Any, str], object]
"""Called with what was emitted and its channel; gives the id of a world or a chat, or None."""

_Fields: TypeAlias = Mapping[Any, Any]

_NO_TYPE = "published"
_TOOL_PREFIX = "tool-"
_ACTOR = re.compile("[a-z]+:")
_IN_THE_ENVELOPE = frozenset({"messageId", "message_id", "timestamp", "chatId", "chat_id"})
# Seconds since 1970 reach it in the year 5138, milliseconds did in 1973.
_MILLISECONDS_FROM = 100_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMapper:
    """Turns what one emitter emits into events."""

    world: str | Place
    chat: Place | None
    """None: the event's own `chatId` (or `chat_id`)."""

    source: str
    chunks: bool
    ordinals: Ordinals

    def leaves_out(self, channel: str, emitted: object) -> bool:
        """Whether it is a piece of a streamed text, which its end repeats whole, unless wanted."""
        if self.chunks or channel != "sse":
            return False
        return (fields_of(emitted) or {}).get("type") == "chunk"

    def event(self, channel: str, emitted: object) -> Event:
        """Give the event.

        Raises TypeError or ValueError for what has no place in the log, and whatever the emitted
        object's own code raises.
        """
        now = datetime.now(UTC)
        fields = fields_of(emitted) or {}
        kind = _text(fields.get("type")) or _NO_TYPE
        world = _text(self.world(emitted, channel) if callable(self.world) else self.world)
        if world is None:
            raise ValueError("the world of the event is not known: `world` gave no text for it")
        chat = _text(
            self.chat(emitted, channel) if self.chat else _either(fields, "chatId", "chat_id")
        )
        message_id = _text(_either(fields, "messageId", "message_id"))
        sender = _text(fields.get("sender"))
        agent = _text(_either(fields, "agentName", "agent_name"))
        json = to_json(_payload(channel, emitted, fields))
        return Event(
            fitting(_event_type(channel, kind, fields)),
            aggregate=world_aggregate(world, chat),
            source=self.source,
            json=json,
            metadata=_metadata(
                world_id=world, channel=channel, chat_id=chat, sender=sender, agent_name=agent
            ),
            # Last, because it counts: an event that has no place has no number either.
            idempotency_key=self._key(world, channel, message_id, kind),
            correlation_id=fitting(message_id or ""),
            actor=_actor(agent, sender),
            occurred_time=_time(fields.get("timestamp")) or now,
        )

    def _key(self, world: str, channel: str, message_id: str | None, kind: str) -> str:
        prefix = f"{key_prefix(world)}{channel}"
        if message_id is None:
            return fitting(f"{prefix}:{uuid4()}:{kind}")
        name = f"{prefix}:{message_id}:{kind}"
        ordinal = self.ordinals.next(name)
        return fitting(name if ordinal == 1 else f"{name}:{ordinal}")


def _event_type(channel: str, kind: str, fields: _Fields) -> str:
    of_tool = kind.startswith(_TOOL_PREFIX)
    is_tool = channel == "tool" or (
        channel == "world"
        and (of_tool or _either(fields, "toolExecution", "tool_execution") is not None)
    )
    if is_tool:
        return f"tool.{kind.removeprefix(_TOOL_PREFIX) or _NO_TYPE}"
    return f"{channel}.{kind}"


def _payload(channel: str, emitted: object, fields: _Fields) -> object:
    """Give what the envelope does not say already; what is no object as it is."""
    if fields_of(emitted) is None:
        return emitted
    own = {name: value for name, value in fields.items() if name not in _IN_THE_ENVELOPE}
    if channel == "system" and "content" in own and fields_of(own["content"]) is None:
        return own["content"]
    return own


def _metadata(**entries: str | None) -> dict[str, str]:
    return {name: fitting(value) for name, value in entries.items() if value is not None}


def _actor(agent: str | None, sender: str | None) -> str:
    if agent is not None:
        return fitting(f"agent:{agent}")
    if sender is None or sender == "system" or _ACTOR.match(sender):
        return fitting(sender or "")
    return fitting(f"user:{sender}")


def _time(given: object) -> datetime | None:
    """Read a moment: a datetime, ISO text, or a number of seconds or milliseconds since 1970.

    One without a time zone is local, as Python has it everywhere. None of anything else.
    """
    try:
        match given:
            case bool():
                return None
            case int() | float():
                seconds = given / 1000 if abs(given) >= _MILLISECONDS_FROM else given
                return datetime.fromtimestamp(seconds, UTC)
            case str():
                return datetime.fromisoformat(given).astimezone(UTC)
            case datetime():
                return given.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass  # such as a year that no calendar has
    return None


def _either(fields: _Fields, name: str, other: str) -> object:
    value = fields.get(name)
    return fields.get(other) if value is None else value


def _text(given: object) -> str | None:
    """Read a name: a text, a number or a UUID; None of anything else, and of an empty one."""
    if isinstance(given, str):
        return storable_text(given) or None
    if isinstance(given, bool) or not isinstance(given, int | float | UUID):
        return None
    return str(given)
