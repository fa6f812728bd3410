"""Every scenario in every language, on the same live server, with equal results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.conformance.languages import LANGUAGES
from tests.clients.conformance.runners import RunnerError, UnsupportedError
from tests.clients.conformance.scenarios import Scenario, load_scenarios

if TYPE_CHECKING:
    from tests.clients.conformance.conftest import Cast
    from tests.clients.conformance.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The server is stopped and started again in each of them.
_SLOW = frozenset({"outages", "consumer_outages"})


def _languages() -> list[object]:
    return [
        pytest.param(name, marks=[pytest.mark.polyglot] if language.tools else [])
        for name, language in LANGUAGES.items()
    ]


def _scenarios() -> list[object]:
    return [
        pytest.param(
            scenario, id=scenario.id, marks=[pytest.mark.slow] if scenario.group in _SLOW else []
        )
        for scenario in load_scenarios()
    ]


@pytest.mark.parametrize("scenario", _scenarios())
@pytest.mark.parametrize("language", _languages())
async def test_scenario(
    language: str,
    scenario: Scenario,
    stage: Stage,
    cast: Cast,
    record_property: pytest.RecordProperty,
) -> None:
    record_property("conformance", f"{language}/{scenario.group}")
    runner = await cast.runner(language)
    try:
        answers = await stage.play(scenario, runner)
    except UnsupportedError as error:
        record_property("conformance_unsupported", "yes")
        pytest.skip(f"{LANGUAGES[language].title} has no such thing: {error}")
    except RunnerError:
        await cast.dismiss(language)
        raise
    first_language, first_answers = cast.first_to_play(scenario, language, answers)
    assert answers == first_answers, f"{first_language} answered otherwise"
