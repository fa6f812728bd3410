"""What the pricing agent knows of prices: decisions only, without a clock, a connection or a model.

The same events always lead to the same proposal: one that is delivered again leads to nothing new.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from everlog import RecordedEvent

SCARCE = 2
PLENTY = 100


@dataclass(frozen=True, slots=True)
class Product:
    """A product, as its events have made it."""

    sku: str
    price: float
    stock: int
    sequence: int
    """Of the last event that is counted."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the agent would do, and why."""

    new_price: float
    reasoning: str
    confidence: float
    """How sure it is, 0 to 1."""

    pain_point: str


def product_of(history: Iterable[RecordedEvent]) -> Product | None:
    """Fold a product's events; None while it has no price."""
    sku, stock, sequence = "", 0, 0
    price: float | None = None
    for event in history:
        data: Any = event.data if isinstance(event.data, dict) else {}
        sku = data.get("sku", sku)
        price = data.get("new_price", data.get("base_price", price))
        stock = data.get("new_quantity", data.get("stock", stock))
        sequence = event.sequence
    return None if price is None else Product(sku, price, stock, sequence)


def propose(product: Product, stock_before: int) -> Proposal | None:
    """Say what to do about a product whose stock has changed, if anything."""
    if product.stock <= SCARCE < stock_before:
        return Proposal(
            new_price=round(product.price * 1.1, 2),
            reasoning=f"Only {product.stock} in stock: those who need one will pay a tenth more.",
            confidence=0.6,
            pain_point="The last ones are sold below what they are worth.",
        )
    if product.stock >= PLENTY > stock_before:
        return Proposal(
            new_price=round(product.price * 0.9, 2),
            reasoning=f"{product.stock} are in stock, {PLENTY} are plenty: "
            "a tenth less sells them sooner.",
            confidence=0.9,
            pain_point="Money is bound in goods that nobody takes.",
        )
    return None
