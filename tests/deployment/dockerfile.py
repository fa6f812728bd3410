"""Reads a Dockerfile, and runs its commands without Docker: in a folder instead of an image.

Only what ours uses is understood; anything else fails. What a container is (its root, its network,
its base image with a Python of its own) is not imitated: commands run by this machine's Python.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
_PLACES = ("/opt", "/src")
_SECONDS_MAX = 300


@dataclass(frozen=True, slots=True)
class Instruction:
    """`RUN …`; continued lines are joined, comments left out."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Of the JSON form as of the plain one."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclass(slots=True)
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return dict(
            word.split("=", 1) for each in self.all("ENV") for word in shlex.split(each.text)
        )


def read(file: Path = ROOT / "Dockerfile") -> list[Stage]:
    """The stages, in order."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        name, _, text = line.partition(" ")
        if name == "FROM":
            base, _, alias = text.partition(" AS ")
            stages.append(Stage(base, alias))
        elif stages:
            stages[-1].instructions.append(Instruction(name, text.strip()))
    return stages


def build(stage: Stage, folder: Path) -> None:
    """Runs a stage's COPY and RUN; `/opt` and `/src` are folders in `folder`."""
    work = folder / "src"
    work.mkdir()
    (folder / "opt").mkdir()
    python = folder / "python" / "python"
    python.parent.mkdir()
    python.symlink_to(Path(getattr(sys, "_base_executable", sys.executable)).resolve())
    environment = {
        "PATH": f"{python.parent}:{os.defpath}",
        "HOME": str(folder),
        **{name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_"))},
        **stage.environment,
    }
    for each in stage.instructions:
        if each.name == "COPY":
            *sources, target = each.words
            for source in sources:
                _copy(source, work, target, several=len(sources) > 1)
        elif each.name == "RUN":
            done = subprocess.run(
                ["/bin/sh", "-ec", _moved(each.text, folder)],
                cwd=work,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS_MAX,
            )
            assert done.returncode == 0, f"{each.text}\n{done.stdout}{done.stderr}"
        else:
            assert each.name in {"ENV", "WORKDIR", "ARG"}, each


def sent_to_builder(path: str) -> bool:
    """Whether .dockerignore lets a path of the repository through: its last match decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        tried = PurePosixPath(path)
        plain = pattern.removeprefix("**/")
        if any(part.match(plain) for part in (tried, *tried.parents) if str(part) != "."):
            sent = line.startswith("!")
    return sent


def _copy(source: str, work: Path, target: str, *, several: bool) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", source],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    files = [path for path in listed if sent_to_builder(path)]
    assert files, f"COPY {source}: .dockerignore leaves nothing of it"
    for path in files:
        inside = Path(path).relative_to(source) if (ROOT / source).is_dir() else Path()
        place = work / target
        if several or target.endswith("/"):
            place /= Path(path).name if inside == Path() else inside
        else:
            place /= inside
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, place)


def _moved(text: str, folder: Path) -> str:
    """The text with the places of the image as those in `folder`."""
    for place in _PLACES:
        text = re.sub(rf"(?<![\w./-]){place}(?=/|\s|$)", f"{folder}{place}", text)
    return text
