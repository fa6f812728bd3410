"""`python -m examples.git_history REPO`: turns a git repository into events."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import everlog
from examples.git_history.git_log import GitError, count_commits
from examples.git_history.importing import Imported, import_history


def main() -> None:
    """Import the repository that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m examples.git_history", description=__doc__)
    parser.add_argument("repository", type=Path, nargs="?", default=Path())
    parser.add_argument("--url", default=os.environ.get("EVERLOG_URL", everlog.DEFAULT_URL))
    parser.add_argument("--tenant", default=os.environ.get("EVERLOG_TENANT", "default"))
    arguments = parser.parse_args()
    try:
        print(asyncio.run(_import(arguments.url, arguments.tenant, arguments.repository)))
    except (GitError, everlog.EverlogError, ValueError) as error:
        sys.exit(f"git_history: {error}")


async def _import(url: str, tenant: str, repository: Path) -> Imported:
    console = Console(stderr=True)
    columns = (TextColumn("commits"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("commits", total=count_commits(repository))
        async with everlog.connect(url, tenant=tenant) as client:
            return await import_history(
                client, repository, on_commits=lambda count: progress.advance(task, count)
            )


if __name__ == "__main__":
    main()
