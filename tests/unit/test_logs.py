"""What the server's log leaves out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog
from grpc._cython import cygrpc

from everlog_server import logs
from everlog_server.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def configured(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    assert not capsys.readouterr().err  # its stream is what the handler writes to
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()  # not closed by what comes
    logs.configure(LogSettings(format="json"))
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize(
    ("error", "is_said"),
    [(cygrpc.ExecuteBatchError("execute_batch"), False), (RuntimeError("a defect"), True)],
)
def test_answers_that_found_nobody_are_no_errors(
    error: Exception, is_said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger(cygrpc.__name__)
    try:
        raise error
    except Exception:
        logger.exception("raised in core")
    assert ("raised in core" in capsys.readouterr().err) is is_said
