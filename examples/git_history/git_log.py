"""Reads a repository's history: commits, oldest first, with what each did to which file.

`git log -z` ends every field with NUL, which no name, path or message can hold, so nothing has to
be unquoted or guessed. A commit is seven fields and an empty one, then its changes: first `--raw`
entries (modes, ids and a status letter, then one path, or two of a rename), then `--numstat`
entries (lines added, lines deleted and the path; of a rename an empty one, then two). Merges have
no changes of their own: what they bring in is in the commits that they join.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, run
from tempfile import TemporaryFile
from typing import IO, Literal

Kind = Literal["created", "changed", "deleted", "renamed"]

_FORMAT = "".join(f"%{part}%x00" for part in ("H", "P", "aN", "aE", "at", "s", "b"))
_KINDS: dict[str, Kind] = {"A": "created", "C": "created", "D": "deleted", "R": "renamed"}
_CHUNK_BYTES = 256 * 1024


class GitError(Exception):
    """git failed."""


@dataclass(slots=True)
class FileChange:
    """What a commit did to a file."""

    path: str
    kind: Kind
    old_path: str | None = None
    """Where a renamed file was before."""

    added: int | None = None
    """Lines added; None of a binary file."""

    deleted: int | None = None


@dataclass(slots=True)
class Commit:
    """One commit."""

    hash: str
    parents: tuple[str, ...]
    author_name: str
    author_email: str
    author_time: datetime | None
    """None where git has a time that no calendar has."""

    subject: str
    body: str
    changes: list[FileChange] = field(default_factory=list)


def repository_name(repository: Path) -> str:
    """Give the name of a repository: that of its folder."""
    top = _git(repository, "rev-parse", "--path-format=absolute", "--git-common-dir").strip()
    folder = Path(top)
    return (folder.parent if folder.name == ".git" else folder).name.removesuffix(".git")


def count_commits(repository: Path) -> int:
    """Count the commits that `read_commits` will give; 0 of an empty repository."""
    if _is_empty(repository):
        return 0
    return int(_git(repository, "rev-list", "--count", "HEAD"))


def read_commits(repository: Path) -> Iterator[Commit]:
    """Yield the commits that lead to HEAD, parents before children. Raises GitError."""
    if _is_empty(repository):
        return
    command = [
        *("git", "-C", str(repository), "log", "--reverse", "--topo-order", "-z", "HEAD"),
        *("--raw", "--numstat", "--no-abbrev", "--find-renames", "--diff-merges=off"),
        # Whatever the person's git is configured to do:
        *("--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature"),
        *("--encoding=UTF-8", f"--format=tformat:{_FORMAT}"),
    ]
    with TemporaryFile() as errors, Popen(command, stdout=PIPE, stderr=errors) as git:
        assert git.stdout is not None  # noqa: S101 - it is a pipe
        yield from parse_log(_fields(git.stdout))
        if git.wait() != 0:
            errors.seek(0)
            raise GitError(errors.read().decode(errors="replace").strip())


def parse_log(fields: Iterator[str]) -> Iterator[Commit]:
    """Read commits out of the fields of a log."""
    commit_hash = next(fields, None)
    while commit_hash is not None:
        parents, name, email, time, subject, body, _end = (next(fields) for _ in range(7))
        commit = Commit(
            hash=commit_hash,
            parents=tuple(parents.split()),
            author_name=name,
            author_email=email,
            author_time=_time(time),
            subject=subject,
            body=body.strip("\n"),
        )
        commit_hash = _read_changes(fields, commit.changes)
        yield commit


def _read_changes(fields: Iterator[str], changes: list[FileChange]) -> str | None:
    """Read the changes of a commit; return the hash of the next one, None after the last."""
    by_path: dict[str, FileChange] = {}
    for entry in fields:
        text = entry.removeprefix("\n")
        if text.startswith(":"):
            letter = text.split(" ")[4][0]
            old_path = next(fields) if letter in "RC" else None
            change = FileChange(next(fields), _KINDS.get(letter, "changed"), old_path)
            by_path[change.path] = change
            changes.append(change)
        elif "\t" in text:
            added, deleted, path = text.split("\t", 2)
            if not path:
                _, path = next(fields), next(fields)
            if added != "-":
                by_path[path].added, by_path[path].deleted = int(added), int(deleted)
        else:
            return text
    return None


def _fields(output: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := output.read(_CHUNK_BYTES):
        *fields, rest = (rest + chunk).split(b"\0")
        for field_ in fields:
            # Paths are bytes to git: those that are no UTF-8 are made readable.
            yield field_.decode(errors="backslashreplace")


def _time(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _is_empty(repository: Path) -> bool:
    _git(repository, "rev-parse", "--git-dir")
    command = ["git", "-C", str(repository), "rev-parse", "--verify", "--quiet", "HEAD"]
    return run(command, stdout=DEVNULL, check=False).returncode != 0


def _git(repository: Path, *arguments: str) -> str:
    done = run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise GitError(done.stderr.decode(errors="replace").strip())
    return done.stdout.decode(errors="replace")
