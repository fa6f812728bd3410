"""The languages of the suite: how each one's runner is built and started, and what it takes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
_CLIENTS = ROOT / "clients"
_BUILD = ROOT / "build" / "conformance"
_BUILD_SECONDS_MAX = 600


class MissingError(Exception):
    """The language can't be played here: the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Language:
    """One client, and its runner."""

    name: str
    title: str
    tools: tuple[str, ...]
    """Programs that must be on PATH; with any of them the language is a `polyglot` one."""

    sources: Path
    """What must exist for there to be a client at all."""

    build: Callable[[], list[str]]
    """Builds the runner; returns the command that starts it."""

    def ready(self) -> list[str]:
        """The command that starts the runner, built if need be; raises MissingError."""
        for tool in self.tools:
            if shutil.which(tool) is None:
                raise MissingError(f"no {tool} on this machine")
        if not self.sources.exists():
            raise MissingError(f"{self.sources.relative_to(ROOT)} does not exist")
        return _built(self.name)


@cache
def _built(name: str) -> list[str]:
    return LANGUAGES[name].build()


def run_tool(*command: str, folder: Path) -> None:
    """Run a compiler or package manager; raises RuntimeError with all that it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_BUILD_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} (in {folder}) failed:\n{done.stdout}")


def install_node_modules(folder: Path) -> None:
    """What the lock of an npm package says, unless that is there. Raises as `run_tool`."""
    run_tool(str(_CLIENTS / "node_modules.sh"), str(folder), folder=ROOT)


def is_current(product: Path, *sources: Path) -> bool:
    """Whether a product is there, and newer than all that it is made from."""
    if not product.exists():
        return False
    files = [file for source in sources for file in (source, *source.rglob("*"))]
    return max(file.stat().st_mtime for file in files) < product.stat().st_mtime


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One at a time installs, or builds, in a folder: other processes test the same client."""
    _BUILD.mkdir(parents=True, exist_ok=True)
    with (_BUILD / f"{folder.parent.name}-{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python(runner: str) -> Callable[[], list[str]]:
    return lambda: [sys.executable, "-m", f"tests.clients.conformance.{runner}"]


def _go() -> list[str]:
    program = _BUILD / "go"
    with alone(_CLIENTS / "go"):
        run_tool("go", "build", "-o", str(program), "./conformance", folder=_CLIENTS / "go")
    return [str(program)]


def _typescript() -> list[str]:
    folder = _CLIENTS / "typescript"
    program = folder / "dist" / "conformance.js"
    with alone(folder):
        install_node_modules(folder)
        # Not without need: it removes what another process may be running.
        if not is_current(program, folder / "src", folder / "package.json"):
            run_tool("npm", "run", "build", folder=folder)
    return ["node", str(program)]


def _java() -> list[str]:
    folder = _CLIENTS / "java"
    _BUILD.mkdir(parents=True, exist_ok=True)
    class_path = _BUILD / "java.classpath"
    with alone(folder):
        run_tool(
            *("mvn", "-q", "-B", "test-compile", "dependency:build-classpath"),
            f"-Dmdep.outputFile={class_path}",
            folder=folder,
        )
    paths = [str(folder / "target" / "test-classes"), str(folder / "target" / "classes")]
    paths.append(class_path.read_text().strip())
    return ["java", "-cp", os.pathsep.join(paths), "io.everlog.client.conformance.Runner"]


LANGUAGES = {
    language.name: language
    for language in (
        Language("python", "Python", (), _CLIENTS / "python", _python("python_runner")),
        Language(
            "python_sync",
            "Python, synchronous",
            (),
            _CLIENTS / "python",
            _python("python_sync_runner"),
        ),
        Language("go", "Go", ("go",), _CLIENTS / "go" / "conformance", _go),
        Language(
            "typescript",
            "TypeScript",
            ("node", "npm"),
            _CLIENTS / "typescript" / "package.json",
            _typescript,
        ),
        Language("java", "Java", ("java", "mvn"), _CLIENTS / "java" / "pom.xml", _java),
    )
}
"""By name, in the order in which they are played: what the first one answers, all must answer."""
