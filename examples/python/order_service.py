"""An order service: takes orders, decides about each of them, and emits what happened.

Orders are generated (`--orders 10`) or come as JSON, one on each line of stdin:

    {"order": "1001", "customer": "mia", "sku": "teapot", "quantity": 2, "price_cents": 1250}
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import everlog

CREDIT_LIMIT_CENTS = 50_000


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer wants."""

    order: str
    customer: str
    sku: str
    quantity: int
    price_cents: int

    @property
    def total_cents(self) -> int:
        """What it costs."""
        return self.quantity * self.price_cents


def main() -> None:
    """Take all orders, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, metavar="N", help="generate N orders")
    count = parser.parse_args().orders
    url = os.environ.get("EVERLOG_URL", everlog.DEFAULT_URL)
    tenant = os.environ.get("EVERLOG_TENANT", "default")
    stored: Counter[str] = Counter()
    try:
        with everlog.connect_sync(url, tenant=tenant) as client:
            for order in read_orders() if count is None else generate_orders(count):
                handle(client, order, stored)
    except (ValueError, everlog.EverlogError) as error:
        # Whatever was not finished is finished by the next run: what is stored is recognised.
        sys.exit(f"order_service: {error}")
    print(", ".join(f"{stored[what]} {what}" for what in ("stored", "deduplicated", "refused")))


def handle(client: everlog.SyncClient, order: Order, stored: Counter[str]) -> None:
    """Emit that the order was placed, and then what was decided."""
    try:
        placed = client.emit(order_placed(order))
        # A known order answers with its first receipt: its decision has the same cause again.
        decision = order_decided(order, caused_by=placed.event_id)
        decided = client.emit(decision)
    except everlog.IdempotencyKeyReused as error:
        # The key says which event it is, so this is no retry: somebody gave the number away twice.
        print(f"order {order.order}: refused, it is known with other content: {error.event_id}")
        stored["refused"] += 1
        return
    for receipt in (placed, decided):
        stored["deduplicated" if receipt.deduplicated else "stored"] += 1
    known = ", deduplicated" if placed.deduplicated and decided.deduplicated else ""
    print(f"order {order.order}: {decision.event_type} at {decided.position}{known}", flush=True)


def order_placed(order: Order) -> everlog.Event:
    """What the customer did."""
    fields = asdict(order)
    del fields["order"]  # the aggregate says it
    return everlog.Event(
        "order.placed",
        aggregate=("order", order.order),
        data=fields,
        # From the order itself, not random: a second run, or a retry after a crash, has it again.
        idempotency_key=f"order-{order.order}-placed",
        correlation_id=f"order-{order.order}",
        actor=f"user:{order.customer}",
        source="order-service",
    )


def order_decided(order: Order, *, caused_by: str) -> everlog.Event:
    """What the service made of it: the same for the same order, whenever it is asked."""
    total, limit = order.total_cents, CREDIT_LIMIT_CENTS
    is_paid = total <= limit
    reason = f"{total} cents are over the limit of {limit} cents"
    return everlog.Event(
        "order.paid" if is_paid else "order.rejected",
        aggregate=("order", order.order),
        data={"amount_cents": total} if is_paid else {"reason": reason},
        # One key for both outcomes: an order is decided once, also if the limit changes meanwhile.
        idempotency_key=f"order-{order.order}-decided",
        correlation_id=f"order-{order.order}",
        causation_id=caused_by,
        actor="system",
        source="order-service",
        intent=everlog.Intent(goal="nobody owes more than the credit limit"),
    )


def read_orders() -> Iterator[Order]:
    """Read orders from stdin; raises ValueError, which names the line and what is wrong with it."""
    for number, line in enumerate(sys.stdin, 1):
        try:
            order = Order(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise ValueError(f"line {number} is no order: {error}") from None
        for name, value in asdict(order).items():
            kind = int if name in {"quantity", "price_cents"} else str
            if type(value) is not kind or not value:
                raise ValueError(f"line {number}: {name} is {value!r}, expected a {kind.__name__}")
        yield order


def generate_orders(count: int) -> Iterator[Order]:
    """Make the orders that every example makes, in every language."""
    for n in range(1, count + 1):
        customer, sku = ("ada", "bob", "mia")[n % 3], ("cup", "teapot")[n % 2]
        yield Order(str(n), customer, sku, quantity=1 + n % 5, price_cents=2_500 * (1 + n % 7))


if __name__ == "__main__":
    main()
