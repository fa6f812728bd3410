"""The stage, the runners, and the matrix that a run prints."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest
import pytest_asyncio

from tests.clients.conformance.languages import LANGUAGES, MissingError
from tests.clients.conformance.matrix import Matrix
from tests.clients.conformance.runners import running
from tests.clients.conformance.scenarios import load_scenarios
from tests.clients.conformance.stage import Stage
from tests.conftest import with_database
from tests.servers import serving
from tests.toolchains import leave_out, must_be_here

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from everlog_server.storage.embedded import EmbeddedPostgres
    from tests.clients.conformance.runners import Runner
    from tests.clients.conformance.scenarios import Scenario

_MATRIX = pytest.StashKey[Matrix]()


class Cast:
    """A runner for each language, started when it is first asked for, and again after a failure."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runners: dict[str, tuple[Runner, AsyncExitStack]] = {}
        self._first: dict[str, tuple[str, list[str]]] = {}

    async def runner(self, language: str) -> Runner:
        """The language's runner; skips the test, or fails it in CI, when it can't be had."""
        if language not in self._runners:
            try:
                command = LANGUAGES[language].ready()
            except MissingError as missing:
                leave_out(f"{LANGUAGES[language].title}: {missing}")
            stack = AsyncExitStack()
            runner = await stack.enter_async_context(
                running(command, self._folder / f"{language}.log")
            )
            self._runners[language] = runner, stack
        return self._runners[language][0]

    def can_play(self, language: str) -> bool:
        """Whether the language's toolchain and client are here; in CI they must be."""
        try:
            LANGUAGES[language].ready()
        except MissingError:
            return must_be_here()
        return True

    def first_to_play(
        self, scenario: Scenario, language: str, answers: list[str]
    ) -> tuple[str, list[str]]:
        """Which language played a scenario first, and what it answered: this one, if nobody has."""
        return self._first.setdefault(scenario.id, (language, answers))

    async def dismiss(self, language: str) -> None:
        """End a runner that has failed; the next scenario gets a new one."""
        runner, stack = self._runners.pop(language)
        await runner.kill()
        stack.pop_all()

    async def end(self) -> None:
        """End all of them, each by the end of its input."""
        for _, stack in self._runners.values():
            await stack.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    postgres: EmbeddedPostgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """One server for all scenarios of a module."""
    folder = tmp_path_factory.mktemp("stage")
    name = folder.name
    with psycopg.connect(with_database(postgres.dsn, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
    dsn = with_database(postgres.dsn, name)
    async with serving(dsn, folder) as server:
        yield Stage(server, dsn)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    """The runners of a module."""
    cast = Cast(tmp_path_factory.mktemp("runners"))
    yield cast
    await cast.end()


# --- The matrix -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-matrix",
        action="store_true",
        help="write the matrix of languages and scenarios into clients/README.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_MATRIX] = Matrix()
    config.pluginmanager.register(_Printer(config), "conformance matrix")


class _Printer:
    """Collects what became of each scenario, also from the processes of pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._matrix = config.stash[_MATRIX]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if "conformance" not in properties:
            return
        language, group = str(properties["conformance"]).split("/")
        if "conformance_unsupported" in properties:
            if report.when == "call":
                self._matrix.note(language, group, "not offered")
        elif report.skipped and report.when in {"setup", "call"}:
            self._matrix.note(language, group, "skipped")
        elif report.failed:
            self._matrix.note(language, group, "failed")
        elif report.when == "call":
            self._matrix.note(language, group, "passed")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._matrix.is_empty:
            terminalreporter.section("conformance of the clients")
            terminalreporter.write_line(self._matrix.table())
            if self._config.getoption("--write-matrix"):
                self._write(terminalreporter)

    def _write(self, terminalreporter: pytest.TerminalReporter) -> None:
        missing = self._matrix.missing(Counter(scenario.group for scenario in load_scenarios()))
        if missing:
            terminalreporter.write_line(f"not written, for it is not whole: {'; '.join(missing)}")
        else:
            self._matrix.write()
