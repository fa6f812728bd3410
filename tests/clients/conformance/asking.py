"""What tests of single commands share: every language, and a command's answer or its refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.conformance.languages import LANGUAGES

if TYPE_CHECKING:
    from tests.clients.conformance.runners import Runner

EVERY_LANGUAGE = pytest.mark.parametrize(
    "language",
    [
        pytest.param(name, marks=[pytest.mark.polyglot] if language.tools else [])
        for name, language in LANGUAGES.items()
    ],
)


async def ok(runner: Runner, command: str, **arguments: Any) -> dict[str, Any]:
    """What a command answers, which must go well."""
    answer = await runner.ask(command, arguments)
    assert "ok" in answer, f"{command}: {answer}"
    result: dict[str, Any] = answer["ok"]
    return result


async def error_of(runner: Runner, command: str, **arguments: Any) -> dict[str, Any]:
    """The typed error of a command, which must fail."""
    answer = await runner.ask(command, arguments)
    assert "error" in answer, f"{command}: {answer}"
    error: dict[str, Any] = answer["error"]
    return error
