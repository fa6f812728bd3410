"""Saved narratives on the wire: checked field by field, as new events, and read back from events.

Reading is lenient: anybody may emit a `narrative.saved` by hand. What has another type than it
should is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import orjson

from everlog.v1 import event_pb2, event_store_pb2, narratives_pb2
from everlog_server.errors import BadRequestError, FieldViolation
from everlog_server.model import uuid_text
from everlog_server.rpc.event_fields import FREE_TEXT_BYTES_MAX
from everlog_server.rpc.fields import name_problem, text_problem, violations_of
from everlog_server.rpc.validation import VIOLATIONS_MAX
from everlog_server.storage.outcomes import SavedNarrative

AGGREGATE_TYPE = "narrative"
EVENT_TYPE = "narrative.saved"

NARRATIVE_BYTES_MAX = 512 * 1024
ITEMS_MAX = 50
"""Screenshots, code snippets, tags: of each."""
URL_BYTES_MAX = 2 * 1024
CODE_BYTES_MAX = 64 * 1024

_TEXTS = ("long_description", "narrative", "summary")
_NO_URL = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")


def check_narrative(narrative: narratives_pb2.Narrative, name_bytes_max: int) -> None:
    """Raises BadRequestError with everything that is wrong, at most 20 violations."""
    narrative.DiscardUnknownFields()
    violations = tuple(islice(_violations(narrative, name_bytes_max), VIOLATIONS_MAX))
    if violations:
        raise BadRequestError(*violations)


def _violations(
    narrative: narratives_pb2.Narrative, name_bytes_max: int
) -> Iterator[FieldViolation]:
    if (size := narrative.ByteSize()) > NARRATIVE_BYTES_MAX:
        yield FieldViolation("narrative", f"has {size} bytes; at most {NARRATIVE_BYTES_MAX}")
        return
    for name in _TEXTS:
        problem = text_problem(getattr(narrative, name), NARRATIVE_BYTES_MAX)
        yield from violations_of(f"narrative.{name}", problem)
    for name in ("screenshot_urls", "code_snippets", "tags"):
        if (count := len(getattr(narrative, name))) > ITEMS_MAX:
            yield FieldViolation(f"narrative.{name}", f"has {count}; at most {ITEMS_MAX}")
            return
    for index, url in enumerate(narrative.screenshot_urls):
        yield from violations_of(f"narrative.screenshot_urls[{index}]", _url_problem(url))
    for index, snippet in enumerate(narrative.code_snippets):
        path = f"narrative.code_snippets[{index}]"
        yield from violations_of(f"{path}.language", text_problem(snippet.language, name_bytes_max))
        yield from violations_of(f"{path}.code", text_problem(snippet.code, CODE_BYTES_MAX))
        yield from violations_of(
            f"{path}.caption", text_problem(snippet.caption, FREE_TEXT_BYTES_MAX)
        )
    for index, tag in enumerate(narrative.tags):
        yield from violations_of(f"narrative.tags[{index}]", name_problem(tag, name_bytes_max))


def _url_problem(url: str) -> str | None:
    problem = name_problem(url, URL_BYTES_MAX)
    if problem is not None:
        return problem
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_web = False
    if not is_web or _NO_URL.search(url):
        return "is no http or https URL"
    return None


def to_event(event_id: bytes, request: narratives_pb2.SaveNarrativeRequest) -> event_pb2.NewEvent:
    """The event that saves a narrative."""
    subject, narrative = uuid_text(event_id), request.narrative
    data = {
        "event_id": subject,
        "long_description": narrative.long_description,
        "screenshot_urls": list(narrative.screenshot_urls),
        "code_snippets": [
            {"language": snippet.language, "code": snippet.code, "caption": snippet.caption}
            for snippet in narrative.code_snippets
        ],
        "narrative": narrative.narrative,
        "summary": narrative.summary,
        "tags": list(narrative.tags),
    }
    return event_pb2.NewEvent(
        aggregate_type=AGGREGATE_TYPE,
        aggregate_id=subject,
        event_type=EVENT_TYPE,
        json=orjson.dumps(data).decode(),
        actor=request.actor,
    )


def encode_narrative(saved: SavedNarrative) -> bytes:
    """A GetNarrativeResponse."""
    event = event_store_pb2.GetResponse.FromString(saved.record).event
    data = _object(event.json)
    response = narratives_pb2.GetNarrativeResponse(
        narrative=narratives_pb2.Narrative(
            **{name: _text(data.get(name)) for name in _TEXTS},
            screenshot_urls=_texts(data.get("screenshot_urls")),
            code_snippets=_snippets(data.get("code_snippets")),
            tags=_texts(data.get("tags")),
        ),
        version=saved.version,
        saved_time=event.record_time,
        actor=event.actor,
    )
    return response.SerializeToString()


def _object(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except ValueError:  # JSON that PostgreSQL takes, such as a number of many digits
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def _texts(value: object) -> list[str]:
    return [item for item in _items(value) if isinstance(item, str)]


def _snippets(value: object) -> list[narratives_pb2.CodeSnippet]:
    return [
        narratives_pb2.CodeSnippet(
            **{name: _text(item.get(name)) for name in ("language", "code", "caption")}
        )
        for item in _items(value)
        if isinstance(item, dict)
    ]
