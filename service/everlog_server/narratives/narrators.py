"""Who tells a story: the template always can; a language model tells it on request, from that."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol

from everlog_server.narratives.story import Story
from everlog_server.narratives.template import render


class TellingFailed(Exception):
    """A language model did not tell the story. The message says why, and holds no secret."""


class LanguageModel(Protocol):
    """Tells a story anew that a template has told."""

    async def tell(self, markdown: str, *, seconds_max: float | None) -> str:
        """The story; raises TellingFailed."""


class Told(NamedTuple):
    """A story that is told."""

    markdown: str
    by_language_model: bool
    fallback_reason: str
    """Why a language model was asked for, and the template told it. Empty otherwise."""
    steps: int
    is_truncated: bool


class Narrators:
    """Those who can tell."""

    def __init__(self, language_model: LanguageModel | None) -> None:
        self._language_model = language_model

    async def tell(
        self, story: Story, *, by_language_model: bool, seconds_max: float | None
    ) -> Told:
        """The story. What a language model can't do, in time, the template does."""
        # In a thread: a thousand steps take a while, and others are waiting.
        rendered = await asyncio.to_thread(render, story)
        is_truncated = story.is_truncated or rendered.steps < len(story.steps)
        text, reason = rendered.markdown, ""
        if by_language_model:
            try:
                if self._language_model is None:
                    raise TellingFailed("no language model is configured")
                text = await self._language_model.tell(text, seconds_max=seconds_max)
            except TellingFailed as failure:
                reason = str(failure)
        told_by_model = by_language_model and not reason
        return Told(text, told_by_model, reason, rendered.steps, is_truncated)
