"""The template: the same story always gives the same text.

Bounded: each text is cut, and the steps that do not fit into 1 MiB are counted, not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from everlog_server.model import LinkKind
from everlog_server.narratives.markdown import code, escaped
from everlog_server.narratives.story import Step, Story

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES_MAX = 1024 * 1024
_TEXT_CHARACTERS_MAX = 2_000
_CELL_CHARACTERS_MAX = 500
_NAME_CHARACTERS_MAX = 255
_DATA_CHARACTERS_MAX = 300
_LINES_MAX = 1_000
"""Of each of the lists behind the steps."""

_WHY = (
    ("Problem", "problem"),
    ("Pain point", "pain_point"),
    ("Goal", "goal"),
    ("Decision", "decision"),
    ("Expected", "expected_outcome"),
    ("To be measured by", "expected_impact"),
)
_VERBS = {
    LinkKind.RELATED: "belongs with",
    LinkKind.CAUSATION: "was caused by",
    LinkKind.CORRELATION: "follows, in the same piece of work,",
}
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Rendered(NamedTuple):
    """The text, and of how many steps it tells."""

    markdown: str
    steps: int


def render(story: Story) -> Rendered:
    """The story in Markdown."""
    told: list[str] = []
    size = 0
    for place, step in enumerate(story.steps):
        text = "\n".join(_step_lines(story, place, step))
        size += len(text.encode())
        if size > _BYTES_MAX:
            break
        told.append(text)
    sections = [
        "\n".join(_opening(story, len(told))),
        *_section("What went wrong", _errors(story.steps[: len(told)])),
        "## Step by step",
        *told,
        *_section("Expected and actual", _comparison(story.steps[: len(told)])),
        *_section("How the steps hang together", _link_lines(story, len(told))),
        *_section("Named, and not in the log (yet)", _dangling_lines(story)),
    ]
    return Rendered("\n\n".join(sections) + "\n", len(told))


def span(microseconds: int) -> str:
    """How long, in words: at most two units."""
    seconds = microseconds // 1_000_000
    if seconds == 0:
        return "less than a second"
    words: list[str] = []
    for name, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            words.append(f"{count:,} {name}{'s' * (count > 1)}")
        if len(words) == 2 or (words and not count):
            break
    return " ".join(words)


def _opening(story: Story, told: int) -> Iterator[str]:
    asked = next((s for s in story.steps if s.event_id == story.about), story.steps[-1])
    yield f"# The story of {_name(asked.event_type)}"
    yield ""
    times = [step.occurred_time for step in story.steps]
    first, last = min(times), max(times)
    count = len(story.steps)
    lasted = f", until {_time(last)}: {span(last - first)}" if last > first else ""
    yield f"{count:,} step{'s' * (count > 1)}, from {_time(first)}{lasted}."
    actors = sorted({step.actor for step in story.steps if step.actor})
    if actors:
        shown = ", ".join(map(_name, actors[:10]))
        more = f" and {len(actors) - 10:,} more" if len(actors) > 10 else ""
        yield f"Done by {shown}{more}."
    if story.passed_over:
        yield f"Passed over, as not meant to be told: {story.passed_over:,}."
    if told < count:
        yield f"**Only the first {told:,} steps are told: the others do not fit.**"
    if story.is_truncated:
        yield "**The workflow has more events than were looked at.**"


def _step_lines(story: Story, place: int, step: Step) -> Iterator[str]:
    if place:
        gap = step.occurred_time - story.steps[place - 1].occurred_time
        when = f"{span(gap)} later" if gap >= 0 else f"recorded next, but {span(-gap)} earlier"
        yield f"*{when}:*"
        yield ""
    asked = " (the event in question)" if step.event_id == story.about else ""
    yield f"### {place + 1}. {_name(step.event_type)}{asked}"
    yield ""
    who = f"{_name(step.actor)} " if step.actor else ""
    through = f", through {_name(step.source)}" if step.source else ""
    about = f"{_name(step.aggregate)} #{step.sequence}"
    yield f"{_time(step.occurred_time)}: {who}on {about}{through}."
    yield ""
    if step.error is not None:
        yield f"- **Went wrong:** {_text(step.error) or 'it does not say what'}"
    for label, name in _WHY:
        if said := getattr(step, name):
            yield f"- **{label}:** {_text(said)}"
    if step.category:
        yield f"- **Category:** {_name(step.category)}"
    if step.data not in ("", "{}", "null"):
        yield f"- **Data:** {code(step.data, _DATA_CHARACTERS_MAX)}"
    if step.summary:
        yield f"- **What is told of it:** {_text(step.summary)}"
    if step.outcome is not None:
        by = f" (by {_name(step.outcome.actor)})" if step.outcome.actor else ""
        after = step.outcome.record_time - step.occurred_time
        later = f" {span(after)} later" if after >= 0 else ""
        yield f"- **What came of it,{later}{by}:** {_text(step.outcome.outcome)}"
        if step.outcome.impact_metric:
            yield f"- **Measured:** {_text(step.outcome.impact_metric)}"
    yield f"- **Event:** {step.event_id}"


def _errors(steps: tuple[Step, ...]) -> Iterator[str]:
    for place, step in enumerate(steps):
        if step.error is not None:
            said = f": {_text(step.error)}" if step.error else ""
            yield f"- Step {place + 1}, {_name(step.event_type)}{said}"


def _comparison(steps: tuple[Step, ...]) -> Iterator[str]:
    rows = [
        (place, step)
        for place, step in enumerate(steps)
        if step.expected_outcome or step.expected_impact or step.outcome is not None
    ]
    if not rows:
        return
    yield "| Step | Expected | Came of it | To be measured by | Measured |"
    yield "|---|---|---|---|---|"
    for place, step in rows[:_LINES_MAX]:
        outcome = step.outcome
        cells = (
            f"{place + 1}. {_name(step.event_type)}",
            _cell(step.expected_outcome),
            "*not known yet*" if outcome is None else _cell(outcome.outcome),
            _cell(step.expected_impact),
            "" if outcome is None else _cell(outcome.impact_metric),
        )
        yield f"| {' | '.join(cells)} |"


def _link_lines(story: Story, told: int) -> Iterator[str]:
    shown = [link for link in story.links if max(link.from_place, link.to_place) < told]
    for link in shown[:_LINES_MAX]:
        yield f"- Step {link.from_place + 1} {_VERBS[link.kind]} step {link.to_place + 1}."
    if len(shown) > _LINES_MAX:
        yield f"- … and {len(shown) - _LINES_MAX:,} more links."


def _dangling_lines(story: Story) -> Iterator[str]:
    named_by: dict[int, set[int]] = {}
    for link in story.links:
        named_by.setdefault(link.to_place, set()).add(link.from_place + 1)
    for number, event_id in enumerate(story.dangling[:_LINES_MAX]):
        by = sorted(named_by.get(len(story.steps) + number, ()))
        shown = ", ".join(map(str, by[:10]))
        yield f"- {event_id}, named by step {shown}" if by else f"- {event_id}"
    if len(story.dangling) > _LINES_MAX:
        yield f"- … and {len(story.dangling) - _LINES_MAX:,} more."


def _section(title: str, lines: Iterator[str]) -> list[str]:
    body = "\n".join(lines)
    return [f"## {title}", body] if body else []


def _time(microseconds: int) -> str:
    time = _EPOCH + timedelta(microseconds=microseconds)
    return f"{time.replace(tzinfo=None).isoformat(sep=' ', timespec='seconds')} UTC"


def _name(text: str) -> str:
    return escaped(text, _NAME_CHARACTERS_MAX)


def _text(text: str) -> str:
    return escaped(text, _TEXT_CHARACTERS_MAX)


def _cell(text: str) -> str:
    return escaped(text, _CELL_CHARACTERS_MAX)
