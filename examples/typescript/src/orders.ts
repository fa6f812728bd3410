/** Where orders come from. */

import { createInterface } from "node:readline/promises";

export interface Order {
  readonly order: string;
  readonly customer: string;
  readonly sku: string;
  readonly quantity: number;
  readonly price_cents: number;
}

/** Reads orders from stdin; throws an error that names the line and what is wrong with it. */
export async function* readOrders(): AsyncGenerator<Order> {
  let number = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    number += 1;
    try {
      yield toOrder(JSON.parse(line));
    } catch (error) {
      throw new Error(`line ${number} is no order: ${(error as Error).message}`);
    }
  }
}

function toOrder(fields: Record<string, unknown>): Order {
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== "string" || value === "") {
      throw new TypeError(`${name} is ${JSON.stringify(value)}, expected a text`);
    }
    return value;
  };
  const count = (name: string): number => {
    const value = fields[name];
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw new TypeError(`${name} is ${JSON.stringify(value)}, expected an integer from 1`);
    }
    return value as number;
  };
  return {
    order: text("order"),
    customer: text("customer"),
    sku: text("sku"),
    quantity: count("quantity"),
    price_cents: count("price_cents"),
  };
}

/** Makes the orders that every example makes, in every language. */
export function* generateOrders(count: number): Generator<Order> {
  const customers = ["ada", "bob", "mia"] as const;
  const skus = ["cup", "teapot"] as const;
  for (let n = 1; n <= count; n++) {
    yield {
      order: String(n),
      customer: customers[(n % 3) as 0 | 1 | 2],
      sku: skus[(n % 2) as 0 | 1],
      quantity: 1 + (n % 5),
      price_cents: 2_500 * (1 + (n % 7)),
    };
  }
}
