"""The image, as far as it can be looked at without Docker: its commands are run, its rules kept."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from everlog_server.storage.postgres_binaries import Owner
from tests.deployment import dockerfile
from tests.faults.clusters import clusters
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = 10001


def test_the_image_runs_as_a_number_that_owns_nothing_but_its_data() -> None:
    *_, final = dockerfile.read()
    assert final.last("USER").text == f"{USER}:{USER}"
    after_user = final.instructions[final.instructions.index(final.last("USER")) :]
    assert not [each for each in after_user if each.name in {"RUN", "COPY", "ADD"}]
    assert final.last("VOLUME").text == "/var/lib/everlog"
    for each in final.all("COPY"):
        assert "--chown" not in each.text, "the program is root's"


def test_only_locked_wheels_are_installed() -> None:
    for stage in dockerfile.read():
        for run in stage.all("RUN"):
            for command in re.split(r"&&|;", run.text):
                if re.search(r"pip\b.*\b(install|wheel)\b", command):
                    assert "--require-hashes" in command or "--no-index" in command, command
    for lock in ("runtime", "build"):
        text = (dockerfile.ROOT / "requirements" / f"{lock}.txt").read_text()
        named = re.findall(r"^[\w.\[\]-]+==.*$", text, re.MULTILINE)
        assert named
        assert len(named) == len(re.findall(r"^[\w.\[\]-]+==.*\n +--hash", text, re.MULTILINE))


def test_the_locks_agree() -> None:
    def pins(lock: str) -> set[str]:
        text = (dockerfile.ROOT / "requirements" / f"{lock}.txt").read_text()
        return set(re.findall(r"^([\w.\[\]-]+==[^\s;]+)", text, re.MULTILINE))

    assert pins("build") <= pins("dev")
    assert pins("runtime") <= pins("dev")


def test_no_image_is_named_without_its_version() -> None:
    for stage in dockerfile.read():
        assert re.fullmatch(r"python:\$\{PYTHON_VERSION\}-slim", stage.base), stage.base
    services = yaml.safe_load((dockerfile.ROOT / "compose.yaml").read_text())["services"]
    assert re.fullmatch(r"postgres:\d+", services["postgres"]["image"])


@pytest.mark.parametrize(
    "path", [".git/config", "secrets/postgres_password", ".env", "tests/conftest.py", ".venv/x"]
)
def test_what_is_not_copied_is_not_sent(path: str) -> None:
    assert not dockerfile.sent_to_builder(path)


def test_hadolint_finds_nothing() -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: it comes with requirements/dev.txt")
    done = subprocess.run(
        [hadolint, dockerfile.ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """Where the build stage's commands were run."""
    folder = Path(tempfile.mkdtemp(prefix="everlog-image-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        build, _ = dockerfile.read()
        dockerfile.build(build, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_what_the_commands_make_migrates_serves_is_healthy_and_drains(
    built: Path,
) -> None:
    _, final = dockerfile.read()
    port = free_port()
    with clusters() as made:
        url = made.make("one").url()
        environment = {
            # As in the image, but for where it lies and what it listens on: nobody else may call.
            **final.environment,
            "PATH": f"{built}/opt/everlog/bin:{os.defpath}",
            "HOME": "/nonexistent",
            "EVERLOG_HOST": "127.0.0.1",
            "EVERLOG_PORT": str(port),
            "EVERLOG_URL": f"everlog://127.0.0.1:{port}",
            "EVERLOG_DATABASE_URL": url,
        }
        # Root may be anybody: also a number that no line of /etc/passwd has. Not where this
        # machine's Python lies in a home.
        stranger = Owner("", USER, USER)
        python = (built / "opt" / "everlog" / "bin" / "python").resolve()
        is_free = os.geteuid() == 0 and stranger.may_enter(python.parent)
        numbers = {"user": USER, "group": USER, "extra_groups": []} if is_free else {}

        async def start(*words: str) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *words,
                cwd="/",
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                **numbers,  # type: ignore[arg-type]  # mypy sees one type for all of them
            )

        async def run(*words: str) -> tuple[int | None, str]:
            process = await start(*words)
            said, _ = await process.communicate()
            return process.returncode, said.decode()

        entry = final.last("ENTRYPOINT").words
        probe = final.last("HEALTHCHECK").text.partition("CMD ")[2]
        probe_words = dockerfile.Instruction("CMD", probe).words
        code, said = await run(*entry, "migrate")
        assert (code, "applied 0001" in said) == (0, True), said
        code, _ = await run(*probe_words)
        assert code == 5, "nobody serves yet"
        server = await start(*entry, *final.last("CMD").words)
        try:
            async with asyncio.timeout(60):
                while (await run(*probe_words))[0] != 0:
                    assert server.returncode is None
            code, said = await run(*entry, "status")
            assert code == 0, said
        finally:
            server.terminate()
            said_at_last, _ = await server.communicate()
        assert server.returncode == 0, said_at_last.decode()
        assert b"Traceback" not in said_at_last
