/** What the agent knows of prices: decisions only, without a clock, a connection or a model. */

import type { RecordedEvent } from "@everlog/client";

const SCARCE = 2;
const PLENTY = 100;

/** A product, as its events have made it. */
export interface Product {
  readonly price: number;
  readonly stock: number;
}

/** What the agent would do, and why. */
export interface Proposal {
  readonly newPrice: number;
  readonly reasoning: string;

  /** How sure it is, 0 to 1. */
  readonly confidence: number;

  readonly painPoint: string;
}

interface Changes {
  readonly base_price?: number;
  readonly new_price?: number;
  readonly stock?: number;
  readonly new_quantity?: number;
}

/** Folds a product's events; undefined while it has no price. */
export function productOf(history: Iterable<RecordedEvent>): Product | undefined {
  let price: number | undefined;
  let stock = 0;
  for (const { data } of history) {
    const { base_price, new_price, stock: first, new_quantity } = (data ?? {}) as Changes;
    price = new_price ?? base_price ?? price;
    stock = new_quantity ?? first ?? stock;
  }
  return price === undefined ? undefined : { price, stock };
}

/**
 * Says what it would do about a product whose stock has changed, if anything.
 *
 * The same of the same two numbers, whenever it is asked: an event that is delivered again leads to
 * the same proposal, which the log recognises.
 */
export function propose({ price, stock }: Product, stockBefore: number): Proposal | undefined {
  if (stock <= SCARCE && stockBefore > SCARCE) {
    return {
      newPrice: cents(price * 1.1),
      reasoning: `Only ${stock} in stock: those who need one will pay a tenth more.`,
      confidence: 0.6,
      painPoint: "The last ones are sold below what they are worth.",
    };
  }
  if (stock >= PLENTY && stockBefore < PLENTY) {
    return {
      newPrice: cents(price * 0.9),
      reasoning: `${stock} are in stock, ${PLENTY} are plenty: a tenth less sells them sooner.`,
      confidence: 0.9,
      painPoint: "Money is bound in goods that nobody takes.",
    };
  }
  return undefined;
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}
