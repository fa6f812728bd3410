"""What the command line refuses by itself, and how short it tells a long refusal."""

import pytest
from click.testing import CliRunner

import everlog
from everlog.details import Details, KnownEvent
from everlog_server.cli.failures import explain
from everlog_server.cli.status import status


@pytest.mark.parametrize("option", ["--tenant", "--token"])
@pytest.mark.parametrize("by_environment", [False, True])
def test_what_no_header_can_hold_is_wrong_usage(option: str, by_environment: bool) -> None:
    variable = "EVERLOG_" + option.removeprefix("--").upper()
    result = CliRunner().invoke(
        status,
        [] if by_environment else [option, "größe"],
        env={variable: "größe"} if by_environment else None,
    )
    assert result.exit_code == 2
    assert option in result.output
    assert "ASCII" in result.output


def test_a_refusal_names_the_first_few_known_events_only() -> None:
    known = [KnownEvent(index=n, idempotency_key=f"k{n}", event_id=f"id-{n}") for n in range(721)]
    told = explain(everlog.AlreadyExists(details=Details(known_events=known)))
    assert "k2 belongs" in told
    assert "k3 " not in told
    assert told.endswith("… and 718 more")
