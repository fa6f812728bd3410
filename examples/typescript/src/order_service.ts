/**
 * An order service: takes orders, decides about each of them, and emits what happened.
 *
 * Orders are generated (`--orders 10`) or come as JSON, one on each line of stdin:
 *
 *     {"order": "1001", "customer": "mia", "sku": "teapot", "quantity": 2, "price_cents": 1250}
 */

import { parseArgs } from "node:util";

import {
  type Client,
  connect,
  EverlogError,
  IdempotencyKeyReused,
  type NewEvent,
  type Receipt,
} from "@everlog/client";

import { generateOrders, type Order, readOrders } from "./orders.js";

const CREDIT_LIMIT_CENTS = 50_000;

/** Emits that the order was placed, and then what was decided. */
async function handle(client: Client, order: Order): Promise<Receipt[]> {
  const placed = await client.emit(orderPlaced(order));
  // A known order answers with its first receipt: its decision has the same cause again.
  const decision = orderDecided(order, placed.eventId);
  const decided = await client.emit(decision);
  const known = placed.deduplicated && decided.deduplicated ? ", deduplicated" : "";
  console.log(`order ${order.order}: ${decision.eventType} at ${decided.position}${known}`);
  return [placed, decided];
}

/** What the customer did. */
function orderPlaced({ order, ...data }: Order): NewEvent {
  return {
    eventType: "order.placed",
    aggregate: ["order", order],
    data,
    // From the order itself, not random: a second run, or a retry after a crash, has it again.
    idempotencyKey: `order-${order}-placed`,
    correlationId: `order-${order}`,
    actor: `user:${data.customer}`,
    source: "order-service",
  };
}

/** What the service made of it: the same for the same order, whenever it is asked. */
function orderDecided({ order, quantity, price_cents }: Order, cause: string): NewEvent {
  const total = quantity * price_cents;
  const isPaid = total <= CREDIT_LIMIT_CENTS;
  const reason = `${total} cents are over the limit of ${CREDIT_LIMIT_CENTS} cents`;
  return {
    eventType: isPaid ? "order.paid" : "order.rejected",
    aggregate: ["order", order],
    data: isPaid ? { amount_cents: total } : { reason },
    // One key for both outcomes: an order is decided once, also if the limit changes meanwhile.
    idempotencyKey: `order-${order}-decided`,
    correlationId: `order-${order}`,
    causationId: cause,
    actor: "system",
    source: "order-service",
    intent: { goal: "nobody owes more than the credit limit" },
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { orders: { type: "string" } } });
  const orders = values.orders === undefined ? readOrders() : generateOrders(Number(values.orders));
  await using client = connect(process.env.EVERLOG_URL, {
    tenant: process.env.EVERLOG_TENANT ?? "default",
  });
  const counts = { stored: 0, deduplicated: 0, refused: 0 };
  for await (const order of orders) {
    try {
      for (const receipt of await handle(client, order)) {
        counts[receipt.deduplicated ? "deduplicated" : "stored"] += 1;
      }
    } catch (error) {
      if (!(error instanceof IdempotencyKeyReused)) {
        throw error;
      }
      // The key says which event it is, so this is no retry: somebody gave the number away twice.
      console.log(
        `order ${order.order}: refused, it is known with other content: ${error.eventId}`,
      );
      counts.refused += 1;
    }
  }
  const { stored, deduplicated, refused } = counts;
  console.log(`${stored} stored, ${deduplicated} deduplicated, ${refused} refused`);
}

try {
  await main();
} catch (error) {
  // Whatever was not finished is finished by the next run: what is stored is recognised.
  console.error(
    `order_service: ${error instanceof EverlogError ? error : (error as Error).message}`,
  );
  process.exitCode = 1;
}
