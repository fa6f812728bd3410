/**
 * Optimistic concurrency: many workers sell one stock, at once, and never more than there is.
 *
 * Each reads the stock's events, decides, and emits what it decided on the condition that nothing
 * came in between. If something did, it reads and decides again.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { type AggregateKey, type Client, connect, SequenceConflict } from "@everlog/client";

const TRIES_MAX = 50;
const PAUSE_MS_MAX = 100;

/** What the events of one `stock/<sku>` come to. */
interface Stock {
  readonly received: number;
  readonly reserved: number;
  /** Of the last event that is counted: what a decision is based on. */
  readonly sequence: bigint;
}

/** Folds the aggregate's whole history; a long one would be read on from a snapshot. */
async function readStock(client: Client, aggregate: AggregateKey): Promise<Stock> {
  const stock = { received: 0, reserved: 0, sequence: 0n };
  for await (const event of client.replay({ aggregate })) {
    const { quantity } = event.data as { quantity: number };
    switch (event.eventType) {
      case "stock.received":
        stock.received += quantity;
        break;
      case "stock.reserved":
        stock.reserved += quantity;
        break;
    }
    stock.sequence = event.sequence;
  }
  return stock;
}

/** Reserves one item after the other until none is left. */
class Worker {
  reserved = 0;
  conflicts = 0;
  readonly #client: Client;
  readonly #aggregate: AggregateKey;
  readonly #name: string;

  constructor(client: Client, aggregate: AggregateKey, name: string) {
    this.#client = client;
    this.#aggregate = aggregate;
    this.#name = name;
  }

  async run(): Promise<void> {
    while (await this.#reserveOne()) {
      this.reserved += 1;
    }
  }

  async #reserveOne(): Promise<boolean> {
    const event = {
      eventType: "stock.reserved",
      aggregate: this.#aggregate,
      data: { quantity: 1 },
      // One key for all tries of one reservation: if the answer to a try is lost on the way, the
      // client sends it again, and the log knows it.
      idempotencyKey: `reservation-${randomUUID()}`,
      actor: `agent:${this.#name}`,
    };
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const stock = await readStock(this.#client, this.#aggregate);
      if (stock.reserved >= stock.received) {
        return false;
      }
      try {
        await this.#client.emit(event, { expect: stock.sequence });
        return true;
      } catch (error) {
        if (!(error instanceof SequenceConflict)) {
          throw error;
        }
        // Somebody was faster: what was read is old. Jitter, or all would return in step.
        this.conflicts += 1;
        await sleep(Math.random() * Math.min(2 ** tries, PAUSE_MS_MAX));
      }
    }
    throw new Error(`${this.#name}: ${this.#aggregate.join("/")} was busy for ${TRIES_MAX} tries`);
  }
}

/** Receives the stock, unless that is known, and has the workers sell it. */
async function sell(sku: string, received: number, workers: number): Promise<void> {
  await using client = connect(process.env.EVERLOG_URL, {
    tenant: process.env.EVERLOG_TENANT ?? "default",
  });
  const aggregate = ["stock", sku] as const;
  await client.emit({
    eventType: "stock.received",
    aggregate,
    data: { quantity: received },
    // Whoever comes second, in whatever language, finds it received already.
    idempotencyKey: `stock-${sku}-received`,
  });
  const crew = Array.from(
    { length: workers },
    (_, n) => new Worker(client, aggregate, `typescript-${n + 1}`),
  );
  await Promise.all(crew.map((worker) => worker.run()));
  const stock = await readStock(client, aggregate);
  const reserved = crew.reduce((sum, worker) => sum + worker.reserved, 0);
  const conflicts = crew.reduce((sum, worker) => sum + worker.conflicts, 0);
  console.log(
    `${sku}: reserved ${reserved} of ${stock.received} here, ${stock.reserved} in all; ` +
      `${conflicts} conflicts`,
  );
  if (stock.reserved > stock.received) {
    throw new Error(`${sku} is oversold`);
  }
}

const { values } = parseArgs({
  options: {
    sku: { type: "string", default: "teapot" },
    stock: { type: "string", default: "20" },
    workers: { type: "string", default: "8" },
  },
});
try {
  await sell(values.sku, Number(values.stock), Number(values.workers));
} catch (error) {
  console.error(`stock_reservation: ${error}`);
  process.exitCode = 1;
}
