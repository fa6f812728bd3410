"""`python -m examples.agents.python.checkpoint_keeper`: saves the work before a window is full.

Each `context_window_updated` of 80 % or more leads to a `checkpoint_created` with the state that
the instance had at that moment. The tenant's catalogue has to know instances:
`everlog types import supervisor`.
"""

from __future__ import annotations

import everlog
from everlog import AggregateKey, Client, Delivery
from examples.agents.python.working import arguments, caused_by, say, start, take_part

ACTOR = "agent:checkpoint_keeper"


class CheckpointKeeper:
    """Keeps checkpoints."""

    def __init__(self, client: Client, *, percent_min: float) -> None:
        self._client = client
        self._percent_min = percent_min

    async def keep(self, delivery: Delivery) -> everlog.Skip | None:
        """Save the state, if there is need to."""
        updated = delivery.event
        percent = updated.data["context_percent"]
        if percent < self._percent_min:
            return None
        instance = AggregateKey(updated.aggregate_type, updated.aggregate_id)
        # At this event, not now: what is delivered again says the same.
        state = await self._client.state(instance, through_sequence=updated.sequence)
        checkpoint_id = f"checkpoint-{updated.sequence}"
        created = caused_by(
            updated,
            "checkpoint_created",
            actor=ACTOR,
            step="checkpoint",
            aggregate=instance,
            data={
                "checkpoint_id": checkpoint_id,
                "reason": "context_threshold",
                "context_percent": percent,
                "state": state.data,
                "state_sequence": updated.sequence,
            },
        )
        try:
            await self._client.emit(created)
        except everlog.IdempotencyKeyReused:
            return everlog.Skip("it was saved under an earlier definition of the state")
        say(f"{checkpoint_id} of {instance.aggregate_id} at {percent:g} %")
        return None


async def work(client: Client, consumer: str, percent_min: float) -> None:
    """Consume until a signal."""
    keeper = CheckpointKeeper(client, percent_min=percent_min)
    handlers = {"context_window_updated": keeper.keep}
    await take_part(client, consumer, handlers, event_types=("context_window_updated",))


def main() -> None:
    """Read the command line, and work."""
    parser = arguments(__doc__)
    parser.add_argument("--consumer", default="checkpoint_keeper", help="its name (%(default)s)")
    parser.add_argument("--percent", type=float, default=80.0, help="from which on (%(default)g)")
    options = parser.parse_args()
    start("checkpoint_keeper", lambda client: work(client, options.consumer, options.percent))


if __name__ == "__main__":
    main()
