/** The runner's part for consumers: handlers that act as the suite says, and deliveries one by one. */

import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "@everlog/client";
import { Reader } from "./conformance-reader.js";
import { fromEvent, type Json } from "./conformance-shapes.js";

/** What came so far, for who waits for so many of it; and then why nothing comes any more. */
class Arrivals {
  #items: Json[] = [];
  #error: unknown;
  #wake = () => {};

  add(item: Json): void {
    this.#items.push(item);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#error = error;
    this.#wake();
  }

  async take({ count, timeout_seconds, by_position }: Json): Promise<Json> {
    const over = new AbortController();
    const time = sleep(timeout_seconds * 1000, "over", { signal: over.signal }).catch(() => {});
    while (this.#items.length < count && this.#error === undefined) {
      const change = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      if ((await Promise.race([change, time])) === "over") {
        break;
      }
    }
    over.abort();
    const items = this.#items.splice(0, count);
    if (items.length === 0 && this.#error !== undefined) {
      throw this.#error;
    }
    return { items: by_position ? items.sort(byPosition) : items };
  }
}

function byPosition(one: Json, other: Json): number {
  return Number(one.event.position) - Number(other.event.position) || one.attempt - other.attempt;
}

function fromContext({ event, attempt, replayed }: everlog.DeliveryContext): Json {
  return { event: fromEvent(event), attempt, replayed };
}

/** Handlers at work. */
class Consuming {
  readonly begun = new Arrivals();
  readonly refused = new Arrivals();
  readonly #consumption: everlog.Consumption;
  #release = () => {};
  #released = this.#nextRelease();

  constructor(client: everlog.Client, { consumer, handlers, ...limits }: Json) {
    const { concurrency, stop_timeout_seconds } = limits;
    const table = Object.entries(handlers as Record<string, Json[]>).map(([name, actions]) => [
      name,
      this.#handler(name, actions),
    ]);
    this.#consumption = client.consume(consumer, Object.fromEntries(table), {
      ...(concurrency !== undefined && { concurrency }),
      ...(stop_timeout_seconds !== undefined && { stopTimeoutMs: stop_timeout_seconds * 1000 }),
      onFailure: () => {},
      onUnsettled: ({ event, attempt }, { reason }) => {
        // An answer that was lost with its connection is told of as well: nobody has refused it.
        if (reason !== "") {
          this.refused.add({ position: String(event.position), attempt, reason });
        }
      },
    });
    this.#consumption.done.catch((error) => this.begun.fail(error));
  }

  release(): void {
    this.#release();
    this.#released = this.#nextRelease();
  }

  async stop(timeoutMs?: number): Promise<Json> {
    return { ...(await this.#consumption.stop(timeoutMs)) };
  }

  #nextRelease(): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  #handler(name: string, actions: Json[]): everlog.Handler {
    return async (_, context) => {
      this.begun.add({ ...fromContext(context), handler: name });
      const action = actions[Math.min(context.attempt, actions.length) - 1] as Json;
      if (action.work_seconds !== undefined) {
        await sleep(action.work_seconds * 1000);
      }
      if (action.action === "hold") {
        await this.#released;
        return;
      }
      return decided(action);
    };
  }
}

/** What a handler returns by an action; throws for one that fails. */
function decided({ action, error, after_seconds, retry_now }: Json): unknown {
  switch (action) {
    case "ack":
      return undefined;
    case "fail":
      throw new Error(error);
    case "nack":
      return retry_now ? new everlog.Retry(error, { afterMs: 0 }) : error;
    case "retry":
      return new everlog.Retry(
        error,
        after_seconds === undefined ? {} : { afterMs: after_seconds * 1000 },
      );
    case "park":
      return new everlog.Park(error);
    case "skip":
      return new everlog.Skip();
    default:
      throw new Error(`there is no action ${action}`);
  }
}

/** Deliveries, one by one. */
class Delivered {
  readonly #deliveries: everlog.Deliveries;
  readonly #reader: Reader<everlog.Delivery>;
  readonly #last = new Map<string, everlog.Delivery>();

  constructor(client: everlog.Client, { consumer, concurrency }: Json) {
    const options = concurrency === undefined ? {} : { credit: concurrency };
    this.#deliveries = client.deliveries(consumer, options);
    this.#reader = new Reader(this.#deliveries, (delivery) => {
      this.#last.set(String(delivery.event.position), delivery);
      return fromContext(delivery);
    });
  }

  async take({ count, timeout_seconds, by_position }: Json): Promise<Json> {
    const items = await this.#reader.take(count, timeout_seconds);
    return { items: by_position ? items.sort(byPosition) : items };
  }

  answer({ position, answer }: Json): Json {
    const delivery = this.#last.get(position);
    if (delivery === undefined) {
      throw new Error(`nothing was delivered of the event at ${position}`);
    }
    if (answer.action === "in_progress") {
      delivery.inProgress();
    } else if (answer.action === "ack") {
      void delivery.ack();
    } else if (answer.action === "release") {
      void delivery.release();
    } else {
      void delivery.nack(decided(answer));
    }
    return {};
  }

  async close(timeoutMs?: number): Promise<Json> {
    await this.#deliveries.close(timeoutMs);
    return {};
  }
}

const consuming = new Map<string, Consuming>();
const delivered = new Map<string, Delivered>();

function found<Value>(values: Map<string, Value>, name: string): Value {
  const value = values.get(name);
  if (value === undefined) {
    throw new Error(`nothing is open by the name ${name}`);
  }
  return value;
}

/** Stops what is open, without waiting for handlers. */
export async function stopConsuming(): Promise<void> {
  await Promise.all([...consuming.values()].map((one) => one.stop(0)));
  await Promise.all([...delivered.values()].map((one) => one.close(0)));
  consuming.clear();
  delivered.clear();
}

/** The commands for consumers. */
export function consumerCommands(
  client: () => everlog.Client,
): Record<string, (args: Json) => Promise<Json>> {
  return {
    async consume_open({ consume, ...options }) {
      consuming.set(consume, new Consuming(client(), options));
      return {};
    },

    async consume_next({ consume, ...waits }) {
      return await found(consuming, consume).begun.take(waits);
    },

    async consume_refusals({ consume, ...waits }) {
      return await found(consuming, consume).refused.take(waits);
    },

    async consume_release({ consume }) {
      found(consuming, consume).release();
      return {};
    },

    async consume_stop({ consume }) {
      return await found(consuming, consume).stop();
    },

    async deliveries_open({ deliveries, ...options }) {
      delivered.set(deliveries, new Delivered(client(), options));
      return {};
    },

    async deliveries_next({ deliveries, ...waits }) {
      return await found(delivered, deliveries).take(waits);
    },

    async deliveries_answer({ deliveries, ...answer }) {
      return found(delivered, deliveries).answer(answer);
    },

    async deliveries_close({ deliveries }) {
      return await found(delivered, deliveries).close();
    },
  };
}
