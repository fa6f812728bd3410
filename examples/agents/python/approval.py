"""`python -m examples.agents.python.approval`: approves what agents are sure enough of.

What they are less sure of is left to people: `everlog decisions list`.
"""

from __future__ import annotations

import everlog
from everlog import AggregateKey, Client, Delivery
from examples.agents.python.working import arguments, caused_by, say, start, take_part

ACTOR = "agent:approval_policy"


class ApprovalPolicy:
    """Approves a proposal when its confidence is high enough, and nobody has decided yet."""

    def __init__(self, client: Client, *, confidence_min: float) -> None:
        self._client = client
        self._confidence_min = confidence_min

    async def judge(self, delivery: Delivery) -> everlog.Skip | None:
        """Approve, or leave it to people."""
        proposed = delivery.event
        confidence = proposed.data.get("confidence", 0)
        decision = AggregateKey(proposed.aggregate_type, proposed.aggregate_id)
        if confidence < self._confidence_min:
            say(f"left to people: confidence {confidence:g}, {decision.aggregate_id}")
            return None
        approved = caused_by(
            proposed,
            "agent.decision_approved",
            actor=ACTOR,
            step="approve",
            aggregate=decision,
            data={
                "approved_by": ACTOR,
                "note": f"confidence {confidence:g}, at least {self._confidence_min:g}",
            },
        )
        try:
            await self._client.emit(approved, expect=proposed.sequence)
        except everlog.SequenceConflict:
            return everlog.Skip("somebody has decided already")
        say(f"approved: confidence {confidence:g}, {decision.aggregate_id}")
        return None


async def work(client: Client, consumer: str, confidence_min: float) -> None:
    """Consume until a signal."""
    policy = ApprovalPolicy(client, confidence_min=confidence_min)
    handlers = {"agent.decision_proposed": policy.judge}
    await take_part(client, consumer, handlers, event_types=("agent.decision_proposed",))


def main() -> None:
    """Read the command line, and work."""
    parser = arguments(__doc__)
    parser.add_argument("--consumer", default="approval", help="its name (%(default)s)")
    parser.add_argument(
        "--confidence", type=float, default=0.8, help="from which on it approves (%(default)s)"
    )
    options = parser.parse_args()
    start("approval", lambda client: work(client, options.consumer, options.confidence))


if __name__ == "__main__":
    main()
