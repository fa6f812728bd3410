"""Stories as the template tells them, and what texts of others can not do to them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everlog_server.model import LinkKind, Outcome
from everlog_server.narratives import Link, Step, Story
from everlog_server.narratives.markdown import code, escaped
from everlog_server.narratives.template import render, span

SECOND = 1_000_000
OUTCOME = Outcome(bytes(16), bytes(16), 1, 60 * SECOND, "user:bob", "All of it", "100 %")


def step(number: int, **fields: object) -> Step:
    plain = Step(
        event_id=f"e{number}",
        event_type="thing.done",
        aggregate="thing/1",
        sequence=number,
        occurred_time=number * 2700 * SECOND,
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # whatever the test wants


def story(*steps: Step, links: tuple[Link, ...] = (), dangling: tuple[str, ...] = ()) -> Story:
    return Story(
        about="e1", steps=steps, links=links, dangling=dangling, passed_over=0, is_truncated=False
    )


def test_a_story_tells_who_what_when_why_and_what_came_of_it() -> None:
    told = render(
        story(
            step(1, actor="user:ann", source="wizard", problem="late payments", goal="see them"),
            step(
                2,
                decision="webhooks",
                pain_point="30 minutes a day",
                expected_outcome="within a minute",
                expected_impact="0 minutes a day",
                outcome=OUTCOME,
                summary="In short",
            ),
            links=(Link(1, 0, LinkKind.RELATED), Link(1, 2, LinkKind.CAUSATION)),
            dangling=("e9",),
        )
    ).markdown
    for line in (
        "# The story of thing.done",
        "2 steps, from 1970-01-01 00:45:00 UTC, until 1970-01-01 01:30:00 UTC: 45 minutes.",
        "Done by user:ann.",
        "1970-01-01 00:45:00 UTC: user:ann on thing/1 \\#1, through wizard.",
        "*45 minutes later:*",
        "- **Problem:** late payments",
        "- **Goal:** see them",
        "- **Pain point:** 30 minutes a day",
        "- **Decision:** webhooks",
        "- **What is told of it:** In short",
        "| 2. thing.done | within a minute | All of it | 0 minutes a day | 100 % |",
        "- Step 2 belongs with step 1.",
        "- e9, named by step 2",
    ):
        assert line.replace("\\#1", "#1") in told.splitlines(), told
    assert "What went wrong" not in told


@pytest.mark.parametrize(
    ("event_type", "data", "error"),
    [
        ("payment.failed", "", ""),
        ("payment_failed", "", ""),
        ("error.occurred", "{}", ""),
        ("job.error", "", ""),
        ("a.b", '{"error": "no room"}', "no room"),
        ("a.b", '{"errorCode": "TOKEN_EXPIRED"}', "TOKEN_EXPIRED"),
        ("a.b", '{"error": {"code": 1}}', '{"code": 1}'),
        ("a.b", '{"error": null, "errors": []}', None),
        ("a.b", '{"error": ', None),
        ("a.b", '["error"]', None),
        ("a.b", "[" * 100_000 + '"error"', None),
        ("a.failed.b", "", None),
        ("unfailed", "", None),
        ("terror.grew", "", None),
    ],
)
def test_errors_stand_out(event_type: str, data: str, error: str | None) -> None:
    found = step(1, event_type=event_type, data=data)
    assert found.error == error
    assert ("## What went wrong" in render(story(found)).markdown) == (error is not None)


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "less than a second"),
        (999_999, "less than a second"),
        (SECOND, "1 second"),
        (45 * 60 * SECOND, "45 minutes"),
        (3600 * SECOND, "1 hour"),
        (3661 * SECOND, "1 hour 1 minute"),
        (3601 * SECOND, "1 hour"),
        (90_000 * SECOND, "1 day 1 hour"),
    ],
)
def test_spans_are_told_in_words(microseconds: int, words: str) -> None:
    assert span(microseconds) == words


texts = st.text() | st.lists(
    st.sampled_from(
        [
            "\n",
            "# ",
            "|",
            "`",
            "[a](b)",
            "<b>",
            "![",
            "https://x",
            "www.x",
            "*",
            "\u202e",
            "\\",
            "- ",
        ]
    )
).map("".join)
_STRUCTURE = re.compile(r"(?<!\\)(?:\\\\)*([*_`\[\]<>|#~!$&{}()])")


@given(text=texts)
def test_escaped_text_is_one_line_without_structure(text: str) -> None:
    shown = escaped(text, 1_000)
    assert len(f"x{shown}".splitlines()) == 1
    assert not _STRUCTURE.search(shown)
    assert not re.search(r"(?i)(https?:|www\.)", shown)


@given(text=texts)
def test_code_ends_only_where_it_should(text: str) -> None:
    shown = code(text, 1_000)
    assert len(shown.splitlines()) == 1
    fence = re.match(r"`+", shown)
    assert fence is not None
    inside = shown[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall(r"`+", inside)
    assert inside.strip("`") == inside or inside.startswith(" ") or inside.endswith(" ")


@given(text=texts)
def test_whatever_texts_say_the_structure_stays(text: str) -> None:
    def lines(said: str) -> list[str]:
        names = ("event_type", "aggregate", "source", "actor", "problem", "decision", "summary")
        fields = dict.fromkeys(names, f"x{said}")
        outcome = OUTCOME._replace(outcome=f"x{said}", impact_metric=f"x{said}")
        told = render(
            story(step(1, data=f"x{said}", expected_outcome=f"x{said}", outcome=outcome, **fields))
        )
        return told.markdown.splitlines()

    plain, told = lines(""), lines(text)
    assert len(plain) == len(told)
    starts = [re.match(r"[#*|-]*", line) for line in told]
    assert [m and m[0] for m in starts] == [
        m and m[0] for m in (re.match(r"[#*|-]*", x) for x in plain)
    ]
    for line in told:
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 6


def test_what_does_not_fit_is_counted() -> None:
    steps = [
        step(n, **dict.fromkeys(("problem", "goal", "decision"), "x" * 2_000))
        for n in range(1, 400)
    ]
    told = render(story(*steps))
    assert len(told.markdown.encode()) < 1_300_000
    assert 100 < told.steps < 399
    assert f"Only the first {told.steps} steps are told" in told.markdown


@given(st.lists(texts, max_size=5))
def test_the_same_story_gives_the_same_text(said: list[str]) -> None:
    steps = [step(n + 1, problem=text, data=text) for n, text in enumerate([*said, "end"])]
    assert render(story(*steps)) == render(story(*steps))
