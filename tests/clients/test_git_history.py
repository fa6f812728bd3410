"""The git example, on repositories with what git allows and people do."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.git_history.git_log import (
    FileChange,
    GitError,
    count_commits,
    read_commits,
    repository_name,
)
from examples.git_history.mapping import event_id, events_of, file_aggregate, fitting

PERSON = {
    "GIT_AUTHOR_NAME": "Zoë",
    "GIT_AUTHOR_EMAIL": "zoe@example.org",
    "GIT_AUTHOR_DATE": "2026-03-01T12:00:00+02:00",
    "GIT_COMMITTER_NAME": "Someone",
    "GIT_COMMITTER_EMAIL": "someone@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Repository:
    """A git repository in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **PERSON},
            input=stdin,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def write(self, path: str | bytes, content: bytes = b"one\ntwo\n") -> None:
        whole = os.path.join(os.fsencode(self.folder), os.fsencode(path))  # noqa: PTH118 - bytes
        os.makedirs(os.path.dirname(whole), exist_ok=True)  # noqa: PTH103, PTH120
        Path(os.fsdecode(whole)).write_bytes(content)

    def commit(self, message: str = "a commit") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--file=-", stdin=message.encode())
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop")


def test_an_empty_repository_has_no_commits(repository: Repository) -> None:
    assert list(read_commits(repository.folder)) == []
    assert count_commits(repository.folder) == 0


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        list(read_commits(tmp_path))


def test_a_commit_has_its_author_time_message_and_changes(repository: Repository) -> None:
    repository.write("a.txt")
    commit_hash = repository.commit("subject\n\nfirst\tline\n\nsecond :line\n")
    [commit] = read_commits(repository.folder)
    assert (commit.hash, commit.parents) == (commit_hash, ())
    assert (commit.author_name, commit.author_email) == ("Zoë", "zoe@example.org")
    assert commit.author_time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (commit.subject, commit.body) == ("subject", "first\tline\n\nsecond :line")
    assert commit.changes == [FileChange("a.txt", "created", None, 2, 0)]


def test_renames_deletions_and_binary_files_are_told_apart(repository: Repository) -> None:
    repository.write("old.txt", b"1\n2\n3\n4\n5\n6\n7\n8\n")
    repository.write("gone.txt")
    repository.write("image", b"\0\1\2")
    repository.commit()
    repository.git("mv", "old.txt", "new.txt")
    repository.write("new.txt", b"1\n2\n3\n4\n5\n6\n7\nnine\nten\n")
    repository.git("rm", "--quiet", "gone.txt")
    repository.write("image", b"\0\3")
    repository.commit()
    _, commit = read_commits(repository.folder)
    assert {change.path: change for change in commit.changes} == {
        "gone.txt": FileChange("gone.txt", "deleted", None, 0, 2),
        "image": FileChange("image", "changed", None, None, None),
        "new.txt": FileChange("new.txt", "renamed", "old.txt", 2, 1),
    }


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("ünï/日本 .txt", "ünï/日本 .txt"),
        ("line\nbreak\tand tab", "line\nbreak\tand tab"),
        (":colon", ":colon"),
        ('"quoted"', '"quoted"'),
        ("-", "-"),
        (b"latin\xe9", "latin\\xe9"),
    ],
)
def test_any_path_is_read(repository: Repository, path: str | bytes, shown: str) -> None:
    repository.write(path)
    repository.commit()
    repository.commit("an empty one")
    first, second = read_commits(repository.folder)
    assert first.changes == [FileChange(shown, "created", None, 2, 0)]
    assert (second.subject, second.changes) == ("an empty one", [])


def test_merges_have_parents_but_no_changes(repository: Repository) -> None:
    repository.write("a")
    root = repository.commit()
    repository.git("switch", "--quiet", "--create", "side")
    repository.write("b")
    side = repository.commit("side")
    repository.git("switch", "--quiet", "main")
    repository.write("c")
    main = repository.commit("main")
    repository.git("merge", "--quiet", "--no-ff", "--message=join", "side")
    commits = list(read_commits(repository.folder))
    assert commits[0].hash == root
    assert (commits[-1].subject, commits[-1].changes) == ("join", [])
    assert commits[-1].parents == (main, side)
    [event] = events_of(commits[-1], repository="shop")
    assert event.causation_id == event_id("shop", main)
    assert event.context is not None
    assert event.context.related_event_ids == (event_id("shop", side),)


def test_a_persons_configuration_of_git_changes_nothing(repository: Repository) -> None:
    repository.write("a")
    repository.commit("one")
    repository.write("b")
    repository.commit("two")
    plain = list(read_commits(repository.folder))
    for setting in (
        "color.ui=always",
        "log.showSignature=true",
        "log.diffMerges=on",
        "diff.renames=copies",
        "format.pretty=oneline",
        "log.date=relative",
    ):
        repository.git("config", *setting.split("="))
    assert list(read_commits(repository.folder)) == plain


def test_a_time_that_no_calendar_has_is_left_out(repository: Repository) -> None:
    tree = repository.git("write-tree")
    text = f"tree {tree}\nauthor A <a@b> 99999999999999 +0000\ncommitter A <a@b> 0 +0000\n\nx\n"
    bad = repository.git(
        *("hash-object", "-t", "commit", "-w", "--stdin", "--literally"), stdin=text.encode()
    )
    repository.git("update-ref", "refs/heads/main", bad)
    [commit] = read_commits(repository.folder)
    assert commit.author_time is None


def test_a_repository_is_named_by_its_folder(repository: Repository, tmp_path: Path) -> None:
    repository.commit()
    repository.write("deep/file")
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "x.git"))
    repository.git("worktree", "add", "--quiet", str(tmp_path / "elsewhere"))
    assert repository_name(repository.folder / "deep") == "shop"
    assert repository_name(tmp_path / "x.git") == "x"
    assert repository_name(tmp_path / "elsewhere") == "shop"


def test_events_of_one_commit_cite_each_other(repository: Repository) -> None:
    repository.write("a")
    root = repository.commit()
    repository.write("b")
    child = repository.commit()
    commits = list(read_commits(repository.folder))
    commit, file = events_of(commits[1], repository="shop")
    assert (commit.event_type, commit.aggregate) == ("commit_created", ("repository", "shop"))
    assert (file.event_type, file.aggregate) == ("file_created", ("file", "shop:b"))
    assert commit.causation_id == event_id("shop", root)
    assert (commit.event_id, file.causation_id) == (event_id("shop", child), commit.event_id)
    assert commit.idempotency_key == f"git:shop:{child}"
    assert file.idempotency_key == f"git:shop:{child}:b"
    assert commit.correlation_id == file.correlation_id == child
    assert commit.actor == "user:zoe@example.org"


def test_a_fork_under_another_name_is_a_history_of_its_own() -> None:
    assert event_id("shop", "abc") != event_id("fork", "abc")


def test_a_path_that_is_too_long_for_a_name_keeps_its_end() -> None:
    long = "é" * 200 + "/end.txt"
    _, name = file_aggregate("shop", long)
    assert len(name.encode()) <= 255
    assert name.endswith("/end.txt")
    assert fitting("short") == "short"
    assert fitting(long) != fitting("è" + long[1:])
