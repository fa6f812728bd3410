"""From a commit to events.

A commit becomes one `commit_created` of the aggregate `repository/<name>`, and for each file that
it touched a `file_created`, `file_changed`, `file_renamed` or `file_deleted` of the aggregate
`file/<name>:<path>`.

Ids and idempotency keys come from the commit's hash (and the repository's name, so that a fork is a
history of its own): whoever imports the same history again, or after new commits, stores only what
is new. The commit's parent is what caused it, and it caused what happened to its files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from uuid import UUID, uuid5

import everlog
from examples.git_history.git_log import Commit, FileChange

SOURCE = "git_history"

_NAMESPACE = UUID("6f2a4d0e-6f0c-5d52-9a3e-0f8b8f6d7c11")
_NAME_BYTES_MAX = 255
_GOAL_BYTES_MAX = 16 * 1024
_BODY_BYTES_MAX = 128 * 1024


def events_of(commit: Commit, *, repository: str) -> Iterator[everlog.Event]:
    """Yield the events of a commit."""
    yield everlog.Event(
        "commit_created",
        aggregate=("repository", fitting(repository)),
        data={
            "repository": repository,
            "hash": commit.hash,
            "parents": commit.parents,
            "author": {"name": commit.author_name, "email": commit.author_email},
            "subject": _cut(commit.subject, _BODY_BYTES_MAX),
            "body": _cut(commit.body, _BODY_BYTES_MAX),
            "files": len(commit.changes),
            "added": sum(change.added or 0 for change in commit.changes),
            "deleted": sum(change.deleted or 0 for change in commit.changes),
        },
        source=SOURCE,
        event_id=event_id(repository, commit.hash),
        idempotency_key=fitting(f"git:{repository}:{commit.hash}"),
        correlation_id=commit.hash,
        causation_id=event_id(repository, commit.parents[0]) if commit.parents else "",
        actor=fitting(f"user:{_author(commit)}"),
        user_id=fitting(_author(commit)),
        occurred_time=commit.author_time,
        documentable=True,
        intent=everlog.Intent(goal=_cut(commit.subject, _GOAL_BYTES_MAX))
        if commit.subject
        else None,
        context=_merge(commit, repository),
    )
    for change in commit.changes:
        yield _file_event(commit, change, repository)


def event_id(repository: str, *names: str) -> str:
    """Give the id of the event of a commit, or of what a commit did to a path."""
    return str(uuid5(_NAMESPACE, "\0".join((repository, *names))))


def file_aggregate(repository: str, path: str) -> everlog.AggregateKey:
    """Name the aggregate of a file."""
    return everlog.AggregateKey("file", fitting(f"{repository}:{path}"))


def fitting(name: str) -> str:
    """Give a name of at most 255 bytes: a longer one keeps its end, after a digest of the whole."""
    encoded = name.encode()
    if len(encoded) <= _NAME_BYTES_MAX:
        return name
    digest = hashlib.blake2b(encoded, digest_size=12).hexdigest()
    end = encoded[len(digest) + 1 - _NAME_BYTES_MAX :].decode(errors="ignore")
    return f"{digest}~{end}"


def _file_event(commit: Commit, change: FileChange, repository: str) -> everlog.Event:
    data: dict[str, object] = {
        "repository": repository,
        "path": change.path,
        "commit": commit.hash,
    }
    if change.old_path is not None:
        data["old_path"] = change.old_path
    if change.added is None:
        data["binary"] = True
    else:
        data |= {"added": change.added, "deleted": change.deleted}
    return everlog.Event(
        f"file_{change.kind}",
        aggregate=file_aggregate(repository, change.path),
        data=data,
        source=SOURCE,
        event_id=event_id(repository, commit.hash, change.path),
        idempotency_key=fitting(f"git:{repository}:{commit.hash}:{change.path}"),
        correlation_id=commit.hash,
        causation_id=event_id(repository, commit.hash),
        actor=fitting(f"user:{_author(commit)}"),
        user_id=fitting(_author(commit)),
        occurred_time=commit.author_time,
    )


def _author(commit: Commit) -> str:
    return commit.author_email or commit.author_name or "unknown"


def _merge(commit: Commit, repository: str) -> everlog.Context | None:
    """Give the other parents of a merge: events that belong with it."""
    others = commit.parents[1:101]
    if not others:
        return None
    return everlog.Context(
        category="merge",
        related_event_ids=tuple(event_id(repository, parent) for parent in others),
    )


def _cut(text: str, bytes_max: int) -> str:
    return text.encode()[:bytes_max].decode(errors="ignore")
