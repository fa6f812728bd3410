"""`python -m examples.git_history.demo [REPO]`: what an event store is good for, on real history.

Imports a git repository while a subscriber watches, finds commits by a word, tells one file's life,
and works out what the repository looked like on an earlier day. A second run adds nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

import everlog
from everlog import AggregateKey, Filter
from everlog_server.cli.rendering import visible
from examples.git_history.git_log import GitError, repository_name
from examples.git_history.importing import Imported, import_history
from examples.git_history.mapping import fitting
from examples.git_history.serving import ServerError, server

_SHOWN_LIVE = 12
_SHOWN_FOUND = 5
_SHOWN_LIFE = 8
_FILE_EVENTS = ("file_created", "file_changed", "file_renamed", "file_deleted")
_COMMON_WORDS = frozenset({"with", "from", "that", "this", "into", "when", "for", "the", "and"})

_out = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Run the demo on the repository that the command line names, or on this one."""
    repository = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    try:
        name = repository_name(repository)
        with server() as (url, ours):
            whose = "of our own: its data stays for the next run" if ours else "that runs already"
            _out.print(f"server at {url}, {whose}", style="dim")
            asyncio.run(_demo(url, repository, name))
    except (GitError, ServerError, everlog.EverlogError) as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


async def _demo(url: str, repository: Path, name: str) -> None:
    async with everlog.connect(url) as client:
        _title(f"1. Import {name}, while a subscriber watches its commits")
        imported = await _import_watched(client, repository, name)
        _out.print(str(imported), style="green")
        if not imported.stored and not imported.known:
            _out.print("The repository has no commits: there is nothing more to show.")
            return
        if not imported.stored:
            _out.print("Nothing is new since the last run, so nothing was added.")
        await _show_found(client, name)
        await _show_life(client, name)
        await _show_earlier(client, name)


async def _import_watched(client: everlog.Client, repository: Path, name: str) -> Imported:
    head = await client.head()
    commits = Filter(aggregate=_repository(name), event_types=["commit_created"])
    subscribed = client.subscribe(after_position=head.position, filter=commits, heartbeat_seconds=1)
    async with subscribed as subscription:
        watching = asyncio.create_task(_watch(subscription))
        try:
            imported = await import_history(client, repository, on_commits=lambda _: None)
            end = (await client.head()).position
            # The subscriber has seen everything when its cursor is where the head is now.
            while subscription.position < end and not watching.done():  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(0.05)
        finally:
            watching.cancel()
            await asyncio.wait([watching])
    return imported


async def _watch(subscription: everlog.Subscription[everlog.RecordedEvent]) -> None:
    seen = 0
    try:
        async for event in subscription:
            seen += 1
            if seen <= _SHOWN_LIVE:
                _show_commit(event, mark="live")
    finally:
        if seen > _SHOWN_LIVE:
            _out.print(f"      … and {seen - _SHOWN_LIVE:,} more commits", style="dim")


async def _show_found(client: everlog.Client, name: str) -> None:
    word = await _telling_word(client, name)
    _title(f"2. Find commits by a word: {word}")
    found = client.query(
        Filter(aggregate=_repository(name), keyword=word), limit=_SHOWN_FOUND, total_size=True
    )
    async for event in found:
        _show_commit(event)
    if found.total_size is not None and found.total_size > _SHOWN_FOUND:
        _out.print(f"      … {found.total_size:,} in all", style="dim")


async def _telling_word(client: everlog.Client, name: str) -> str:
    """Choose the most frequent word of the latest subjects that says something."""
    words: Counter[str] = Counter()
    async for event in client.query(Filter(aggregate=_repository(name)), limit=200):
        words.update(
            word
            for word in event.data["subject"].casefold().split()
            if word.isalpha() and len(word) > 3 and word not in _COMMON_WORDS
        )
    return words.most_common(1)[0][0] if words else "commit"


async def _show_life(client: everlog.Client, name: str) -> None:
    files: Counter[AggregateKey] = Counter()
    async for event in client.query(_of_files(name), limit=2_000):
        files[event.aggregate] += 1
    if not files:
        return
    [(file, _)] = files.most_common(1)
    events = [event async for event in client.replay(file)]
    _title(f"3. The life of one file: {visible(str(file))}, {len(events)} events")
    for event in events[:_SHOWN_LIFE]:
        lines = f"+{event.data.get('added', '?')} -{event.data.get('deleted', '?')}"
        _out.print(
            Text(f"  {event.sequence:>4}"),
            Text(f"{event.occurred_time:%Y-%m-%d}", style="dim"),
            Text(f"{event.event_type:<13}", style="cyan"),
            Text(f"{lines:<12}", style="green"),
            Text(visible(event.actor), style="magenta"),
        )
    if len(events) > _SHOWN_LIFE:
        _out.print(f"      … and {len(events) - _SHOWN_LIFE:,} more", style="dim")


async def _show_earlier(client: everlog.Client, name: str) -> None:
    commits = [event async for event in client.replay(_repository(name))]
    times = sorted(event.occurred_time for event in commits)
    day = times[len(times) // 2]
    _title(f"4. Replay to an earlier day: {name} on {day:%Y-%m-%d}, and today")
    for until in (day, times[-1]):
        files, lines = await _state(client, name, until)
        _out.print(f"  {until:%Y-%m-%d}  {files:>7,} files  {lines:>9,} lines of text")


async def _state(client: everlog.Client, name: str, until: datetime) -> tuple[int, int]:
    """Fold what happened to the files until a time into how many there were, and their lines."""
    lines: dict[str, int] = {}
    happened = _of_files(name, occurred_before=until + timedelta(microseconds=1))
    async for event in client.replay(filter=happened):
        data = event.data
        path = data["path"]
        if event.event_type == "file_deleted":
            lines.pop(path, None)
        else:
            before = lines.pop(data["old_path"], 0) if "old_path" in data else lines.get(path, 0)
            lines[path] = before + data.get("added", 0) - data.get("deleted", 0)
    return len(lines), sum(lines.values())


def _of_files(name: str, *, occurred_before: datetime | None = None) -> Filter:
    return Filter(
        event_types=_FILE_EVENTS,
        data_contains={"repository": name},
        occurred_before=occurred_before,
    )


def _repository(name: str) -> AggregateKey:
    return AggregateKey("repository", fitting(name))


def _title(text: str) -> None:
    _out.print()
    _out.print(Text(text, style="bold"))


def _show_commit(event: everlog.RecordedEvent, *, mark: str = "") -> None:
    data = event.data
    _out.print(
        Text(f"  {mark:<4}", style="yellow"),
        Text(data["hash"][:8], style="cyan"),
        Text(f"{event.occurred_time:%Y-%m-%d}", style="dim"),
        Text(visible(data["subject"])),
        Text(visible(data["author"]["name"]), style="magenta"),
    )


if __name__ == "__main__":
    main()
