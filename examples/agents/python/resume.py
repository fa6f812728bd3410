"""`python -m examples.agents.python.resume INSTANCE`: what to go on with, after an instance's end.

Its last work item, and what follows from it. Exit code 4: nobody knows the instance.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from everlog import AggregateKey, Client, Filter, RecordedEvent
from examples.agents.python.working import arguments, say, start

_SUGGESTIONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "feature_requested": lambda it: f"plan the feature {it['feature_name']}",
    "epic_planned": lambda it: f"start {it['epic_id']}, {it['feature_name']}, which is planned",
    "epic_started": lambda it: f"go on with {it['epic_id']}, {it['feature_name']}",
    "epic_completed": lambda it: f"choose the next epic: {it['epic_id']} is done",
    "epic_failed": lambda it: f"decide about {it['epic_id']}, which was given up: {it['reason']}",
    "task_spawned": lambda it: f"look after {it['task_id']}, {it['task_type']}",
    "test_started": lambda it: f"run {it['test_name']} again: nobody saw how it ended",
    "test_passed": lambda it: f"commit what {it['test_name']} has passed",
    "test_failed": lambda it: f"mend {it['test_name']}: {it['error']}",
    "validation_passed": lambda it: f"go on: {it['validation_name']} holds",
    "validation_failed": lambda it: f"mend what {it['validation_name']} found: {it['problems'][0]}",
    "commit_created": lambda it: f"go on after the commit {it['commit_sha'][:10]}, {it['message']}",
    "pr_created": lambda it: f"see pull request {it['pr_number']} through, {it['title']}",
    "pr_merged": lambda it: f"deploy what pull request {it['pr_number']} brought",
    "deployment_started": lambda it: f"see how {it['deployment_id']} to {it['environment']} ended",
    "deployment_completed": lambda it: f"check {it['environment']}: {it['deployment_id']} is there",
    "deployment_failed": lambda it: f"mend {it['deployment_id']}: {it['reason']}",
}
"""Of each kind of work item, what to do next."""

WORK_ITEMS = tuple(_SUGGESTIONS)


def suggestion(item: RecordedEvent) -> str:
    """Say what to do after a work item."""
    return _SUGGESTIONS[item.event_type](item.data)


async def newest(client: Client, instance: AggregateKey, *types: str) -> RecordedEvent | None:
    """Find the newest event of these types."""
    async for event in client.query(Filter(aggregate=instance, event_types=types), limit=1):
        return event
    return None


async def suggest(client: Client, instance: AggregateKey) -> str | None:
    """Say how to go on with an instance's work; None: there is no such instance."""
    registered = await newest(client, instance, "instance_registered")
    if registered is None:
        return None
    item = await newest(client, instance, *WORK_ITEMS)
    project = registered.data["project"]
    if item is None:
        return f"{project}: nothing was begun; ask what to do"
    lines = [f"{project}: {suggestion(item)}", f"last work item: {item.event_type} {item.event_id}"]
    checkpoint = await newest(client, instance, "checkpoint_created")
    if checkpoint is not None:
        which = f"{checkpoint.data['checkpoint_id']} {checkpoint.event_id}"
        lines.append(f"load {which}, which has the state")
    return "\n".join(lines)


async def work(client: Client, instance_id: str) -> None:
    """Print the suggestion."""
    text = await suggest(client, AggregateKey("instance", instance_id))
    if text is None:
        print(f"resume: there is no instance {instance_id}", file=sys.stderr)
        sys.exit(4)
    say(text)


def main() -> None:
    """Read the command line, and look."""
    parser = arguments(__doc__)
    parser.add_argument("instance", help="such as odin-PS-8f4a2b")
    options = parser.parse_args()
    start("resume", lambda client: work(client, options.instance))


if __name__ == "__main__":
    main()
