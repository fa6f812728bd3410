"""`python -m examples.agents.python.pricing`: proposes prices, and sets those that are approved.

    product.stock_updated ─▶ agent.decision_proposed
                                 ├▶ agent.decision_approved ─▶ product.price_changed
                                 └▶ agent.decision_rejected

It waits for a decision by consuming it: nothing is kept in its memory, and it may be stopped,
killed or doubled at any moment.
"""

from __future__ import annotations

import everlog
from everlog import AggregateKey, Client, Delivery, Intent, RecordedEvent
from examples.agents.python.prices import Product, product_of, propose
from examples.agents.python.working import arguments, caused_by, say, start, take_part

NAME = "category_agent"
ACTOR = f"agent:{NAME}"
DECISION_TYPE = "price_change"
EVENT_TYPES = ("product.*", "agent.decision_approved", "agent.decision_rejected")


class PricingAgent:
    """Handlers, by event type. Each may be called again for an event that it has handled."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def handlers(self) -> dict[str, everlog.Handler]:
        """Which event is whose."""
        return {
            "product.stock_updated": self.consider,
            "product.*": self.know,
            "agent.decision_approved": self.act,
            "agent.decision_rejected": self.give_up,
        }

    async def know(self, _delivery: Delivery) -> None:
        """Nothing is to be done at once: it is read when the product is considered."""

    async def consider(self, delivery: Delivery) -> None:
        """Propose another price, if the stock gives reason to."""
        event = delivery.event
        # As it was at this event, however much later it is delivered.
        product = await self._product(event.aggregate_id, through_sequence=event.sequence)
        if product is None:
            return
        proposal = propose(product, event.data["old_quantity"])
        if proposal is None:
            return
        change = {
            "product_id": event.aggregate_id,
            "sku": product.sku,
            "old_price": product.price,
            "new_price": proposal.new_price,
        }
        what = product.sku or event.aggregate_id
        outcome = f"It costs {proposal.new_price:.2f} instead of {product.price:.2f}"
        proposed = caused_by(
            event,
            "agent.decision_proposed",
            actor=ACTOR,
            step="propose",
            aggregate=("decision", f"price-{event.event_id}"),
            data={
                "agent": NAME,
                "decision_type": DECISION_TYPE,
                "proposal": change,
                "reasoning": proposal.reasoning,
                "confidence": proposal.confidence,
            },
            documentable=True,
            intent=Intent(
                pain_point=proposal.pain_point,
                goal=f"Sell {what} at the price that its stock asks for",
                expected_outcome=outcome,
            ),
        )
        await self._client.emit(proposed)
        say(f"proposed {product.price:.2f} -> {proposal.new_price:.2f}: {proposal.reasoning}")

    async def act(self, delivery: Delivery) -> everlog.Decision | None:
        """Set the price that was approved, unless it has become another one meanwhile."""
        approval = delivery.event
        proposed = await self._proposal(approval)
        if proposed is None:
            return everlog.Skip("somebody else's decision")
        change = proposed.data["proposal"] | approval.data.get("changes", {})
        changed = caused_by(
            approval,
            "product.price_changed",
            actor=ACTOR,
            step="act",
            aggregate=("product", change["product_id"]),
            data={
                "old_price": change["old_price"],
                "new_price": change["new_price"],
                "reason": "approved_proposal",
            },
        )
        # Before the price is looked at: it is what this made it, if this was handled before.
        if await self._is_known(changed.idempotency_key):
            return None
        product = await self._product(change["product_id"])
        if product is None or product.price != change["old_price"]:
            now = "gone" if product is None else f"{product.price:.2f} now"
            return everlog.Park(f"the price is {now}, and was {change['old_price']:.2f}")
        try:
            await self._client.emit(changed, expect=product.sequence)
        except everlog.SequenceConflict as conflict:
            raise everlog.Retry(after=0) from conflict  # something came in between: look again
        say(f"changed {change['old_price']:.2f} -> {change['new_price']:.2f}")
        return None

    async def give_up(self, delivery: Delivery) -> everlog.Skip | None:
        """A proposal was rejected: that was all."""
        if await self._proposal(delivery.event) is None:
            return everlog.Skip("somebody else's decision")
        say(f"rejected: {delivery.event.data['reason']}")
        return None

    async def _proposal(self, verdict: RecordedEvent) -> RecordedEvent | None:
        """Find what was decided about; None when it is not this agent's."""
        decision = AggregateKey(verdict.aggregate_type, verdict.aggregate_id)
        first = await self._client.get(aggregate=decision, sequence=1)
        if first.event_type != "agent.decision_proposed":
            return None
        of = first.data["agent"], first.data["decision_type"]
        return first if of == (NAME, DECISION_TYPE) else None

    async def _product(
        self, product_id: str, *, through_sequence: int | None = None
    ) -> Product | None:
        product = AggregateKey("product", product_id)
        try:
            if through_sequence is None:
                history = self._client.replay(product)
            else:
                history = self._client.replay(product, through_sequence=through_sequence)
            return product_of([event async for event in history])
        except everlog.AggregateNotFound:
            return None

    async def _is_known(self, idempotency_key: str) -> bool:
        try:
            await self._client.get(idempotency_key=idempotency_key)
        except everlog.EventNotFound:
            return False
        return True


async def work(client: Client, consumer: str) -> None:
    """Consume until a signal."""
    await take_part(client, consumer, PricingAgent(client).handlers, event_types=EVENT_TYPES)


def main() -> None:
    """Read the command line, and work."""
    parser = arguments(__doc__)
    parser.add_argument("--consumer", default="pricing", help="its name (%(default)s)")
    options = parser.parse_args()
    start("pricing", lambda client: work(client, options.consumer))


if __name__ == "__main__":
    main()
