"""The example programs of each language: how they are built, started and listened to."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.clients.conformance.languages import (
    ROOT,
    MissingError,
    alone,
    install_node_modules,
    is_current,
    run_tool,
)

OUTPUT_SECONDS_MAX = 30

# A JVM that lives for a second need not become a fast one.
_STARTS_SOON = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

_EXAMPLES = ROOT / "examples"
_BUILD = ROOT / "build" / "examples"


@dataclass(frozen=True, slots=True)
class Language:
    """The examples of one language."""

    name: str
    title: str
    tools: tuple[str, ...]
    """Programs that must be on PATH; with any of them the language is a `polyglot` one."""

    build: Callable[[], Callable[[str], list[str]]]
    """Builds them; returns what gives the command for a program's name."""

    def command(self, program: str) -> list[str]:
        """The command that starts a program, built if need be; raises MissingError."""
        for tool in self.tools:
            if shutil.which(tool) is None:
                raise MissingError(f"no {tool} on this machine")
        return _built(self.build)(program)


@cache
def _built(build: Callable[[], Callable[[str], list[str]]]) -> Callable[[str], list[str]]:
    return build()


def _python() -> Callable[[str], list[str]]:
    return lambda program: [sys.executable, str(_EXAMPLES / "python" / f"{program}.py")]


def _go() -> Callable[[str], list[str]]:
    run_tool("go", "build", "-o", f"{_BUILD / 'go'}{os.sep}", "./...", folder=_EXAMPLES / "go")
    return lambda program: [str(_BUILD / "go" / program)]


def _typescript() -> Callable[[str], list[str]]:
    return _node(_EXAMPLES / "typescript", "order_service")


def _typescript_agents() -> Callable[[str], list[str]]:
    return _node(_EXAMPLES / "agents" / "typescript", "pricing_agent")


def _node(examples: Path, one_of_them: str) -> Callable[[str], list[str]]:
    client = ROOT / "clients" / "typescript"
    for folder, product in ((client, "conformance"), (examples, one_of_them)):
        program = folder / "dist" / f"{product}.js"
        with alone(folder):
            install_node_modules(folder)
            if not is_current(program, folder / "src", folder / "package.json"):
                run_tool("npm", "run", "build", folder=folder)
    return lambda program: ["node", str(examples / "dist" / f"{program}.js")]


def _java() -> Callable[[str], list[str]]:
    folder, client = _EXAMPLES / "java", ROOT / "clients" / "java"
    sources = [each / part for each in (folder, client) for part in ("src", "pom.xml")]
    product = folder / "target" / "everlog-examples-0.1.0.jar"
    with alone(client):
        if not is_current(product, *sources):
            run_tool(
                *("mvn", "-q", "-B", "-f", "reactor.xml", "package", "-Dmaven.test.skip=true"),
                folder=folder,
            )
            product.touch()  # Maven leaves it as it is when nothing in it is new
    classes = os.pathsep.join([f"{folder}/target/classes", f"{folder}/target/lib/*"])

    def command(program: str) -> list[str]:
        name = "".join(word.capitalize() for word in program.split("_"))
        return ["java", *_STARTS_SOON, "-cp", classes, f"io.everlog.examples.{name}"]

    return command


LANGUAGES = {
    language.name: language
    for language in (
        Language("python", "Python", (), _python),
        Language("go", "Go", ("go",), _go),
        Language("typescript", "TypeScript", ("node", "npm"), _typescript),
        Language("java", "Java", ("java", "mvn"), _java),
    )
}

TYPESCRIPT_AGENTS = Language("typescript_agents", "TypeScript", ("node", "npm"), _typescript_agents)


class Program:
    """An example that runs, and what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process, stdin: str | None) -> None:
        self._process = process
        self._stdout: list[str] = []
        self._stderr: list[str] = []
        assert process.stdout is not None
        assert process.stderr is not None
        self._said = asyncio.Condition()
        self._streams_open = 2
        self._listening = [
            asyncio.create_task(self._listen(process.stdout, self._stdout)),
            asyncio.create_task(self._listen(process.stderr, self._stderr)),
        ]
        if stdin is not None:
            assert process.stdin is not None
            process.stdin.write(stdin.encode())
            process.stdin.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def said(self) -> str:
        """All that it wrote, to be shown when a test fails."""
        return "\n".join(["stdout:", *self._stdout, "stderr:", *self._stderr])

    async def says(self, text: str, *, times: int = 1) -> list[str]:
        """Wait until so many lines of stdout have this text; returns them."""
        return await self._wait_for(self._stdout, text, times)

    async def complains(self, text: str) -> None:
        """Wait until a line of stderr has this text."""
        await self._wait_for(self._stderr, text, 1)

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        self._process.send_signal(signal.SIGINT)

    def terminate(self) -> None:
        """Send what an orderly shutdown of the machine sends."""
        self._process.terminate()

    async def ends(self, code: int = 0) -> list[str]:
        """Wait until it has ended, with this exit code; returns the lines of its stdout."""
        assert await self._exit_code() == code, self.said
        return self._stdout

    async def fails(self) -> list[str]:
        """Wait until it has ended, and not well; returns the lines of its stderr."""
        assert await self._exit_code() != 0, self.said
        return self._stderr

    async def _exit_code(self) -> int:
        try:
            async with asyncio.timeout(OUTPUT_SECONDS_MAX):
                await asyncio.gather(*self._listening)
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"it did not end:\n{self.said}") from None

    async def _wait_for(self, lines: list[str], text: str, times: int) -> list[str]:
        def found() -> list[str]:
            return [line for line in lines if text in line]

        try:
            async with asyncio.timeout(OUTPUT_SECONDS_MAX), self._said:
                await self._said.wait_for(lambda: len(found()) >= times or self._streams_open == 0)
        except TimeoutError:
            pass
        assert len(found()) >= times, f"it did not say {text!r} {times} times:\n{self.said}"
        return found()

    async def _listen(self, stream: asyncio.StreamReader, lines: list[str]) -> None:
        while line := await stream.readline():
            async with self._said:
                lines.append(line.decode().rstrip("\n"))
                self._said.notify_all()
        async with self._said:
            self._streams_open -= 1
            self._said.notify_all()

    async def kill(self) -> None:
        """End it at once, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._listening)


@asynccontextmanager
async def running(
    command: list[str], *arguments: str, environment: dict[str, str], stdin: str | None = None
) -> AsyncIterator[Program]:
    """A program that runs; it is ended with the block, if it has not ended by itself."""
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    program = Program(process, stdin)
    try:
        yield program
    finally:
        await program.kill()
