/**
 * Ships what is paid: a member of the durable consumer `shipping`.
 *
 * Any number of them share the orders, also with those in other languages. Each order is shipped
 * once, whoever dies in between: what is not acknowledged is delivered again, and what was emitted
 * already is recognised by its idempotency key.
 */

import { parseArgs } from "node:util";

import { type Client, connect, Park, type RecordedEvent } from "@everlog/client";

const { values } = parseArgs({ options: { answers: { type: "string" } } });
const answersMax = Number(values.answers ?? Number.POSITIVE_INFINITY);

/** Emits that an order was shipped. */
async function ship(client: Client, order: RecordedEvent): Promise<void> {
  if (order.json === undefined) {
    // Another attempt would find the same: put it aside, for somebody to look at.
    throw new Park("nobody says what was paid");
  }
  // If this fails, the order is tried again after the consumer's back-off.
  const { position, deduplicated } = await client.emit({
    eventType: "order.shipped",
    aggregate: order.aggregate,
    data: { carrier: "bluedart" },
    // From the order itself, not random: when the order is delivered again, it is the same.
    idempotencyKey: `order-${order.aggregateId}-shipped`,
    correlationId: order.correlationId,
    causationId: order.eventId,
    actor: "system",
    source: "shipping",
  });
  const known = deduplicated ? ", deduplicated" : "";
  console.log(`order ${order.aggregateId}: shipped at ${position}${known}`);
}

async function run(): Promise<void> {
  await using client = connect(process.env.EVERLOG_URL, {
    tenant: process.env.EVERLOG_TENANT ?? "default",
  });
  // To create it again is harmless, as long as the settings are the same.
  await client.createConsumer("shipping", { filter: { eventTypes: ["order.paid"] } });
  let answers = 0;
  const consumption = client.consume(
    "shipping",
    async (order) => {
      try {
        await ship(client, order);
      } finally {
        answers += 1;
        if (answers >= answersMax) {
          void consumption.stop();
        }
      }
    },
    {
      concurrency: 8,
      onInterruption: (error, waitMs) =>
        console.error(`interrupted, again in ${(waitMs / 1000).toFixed(1)} s: ${error.message}`),
    },
  );
  // Takes nothing more, and waits until what is in flight is finished, and stored.
  const stop = (): void => void consumption.stop();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const { finished } = await consumption.done;
  process.off("SIGINT", stop).off("SIGTERM", stop);
  console.log(`left after ${finished} answers`);
}

run().catch((error) => {
  console.error(`shipping: ${error.message}`);
  process.exitCode = 1;
});
