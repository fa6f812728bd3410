/**
 * An agent that proposes prices, waits until somebody has decided, and acts.
 *
 *     product.stock_updated ──▶ agent.decision_proposed ──▶ agent.decision_approved ──▶ product.price_changed
 *                                                     └──▶ agent.decision_rejected
 *
 * It has no memory of its own. What it waits for is in the log, and where it is the server keeps, as
 * the durable consumer `pricing_agent`. It may be killed at any moment, and several may run at once:
 * all that it emits has an idempotency key made from what caused it, so that nothing is proposed or
 * done twice.
 */

import { parseArgs } from "node:util";

import {
  type Client,
  connect,
  EventNotFound,
  type Handlers,
  IdempotencyKeyReused,
  Park,
  type RecordedEvent,
  Retry,
  SequenceConflict,
  Skip,
} from "@everlog/client";

import { productOf, propose } from "./pricing.js";

const AGENT = "pricing_agent";

/** The data of `agent.decision_proposed`, as far as this agent writes and reads it. */
interface Decision {
  readonly agent: string;
  readonly proposal: { product: string; old_price: number; new_price: number };
}

class PricingAgent {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get handlers(): Handlers {
    return {
      "product.stock_updated": (event) => this.#considerPrice(event),
      "agent.decision_approved": (event) => this.#act(event),
      "agent.decision_rejected": (event) => this.#takeNote(event),
    };
  }

  async #considerPrice(event: RecordedEvent): Promise<void> {
    const { old_quantity } = event.data as { old_quantity: number };
    // As it was at this event, not as it is now: so a second delivery comes to the same result.
    const history = await this.#history(event.aggregate, event.sequence);
    const product = productOf(history);
    const proposal = product && propose(product, old_quantity);
    if (product === undefined || proposal === undefined) {
      return;
    }
    const decision: Decision = {
      agent: AGENT,
      proposal: {
        product: event.aggregateId,
        old_price: product.price,
        new_price: proposal.newPrice,
      },
    };
    try {
      const { deduplicated } = await this.#client.emit({
        eventType: "agent.decision_proposed",
        // Named for the agent: another one may have something to say about the same event.
        aggregate: ["decision", `${AGENT}-${event.eventId}`],
        data: {
          ...decision,
          decision_type: "price_change",
          reasoning: proposal.reasoning,
          confidence: proposal.confidence,
        },
        intent: {
          problemSolved: `the price of ${event.aggregateId} does not fit its stock`,
          painPoint: proposal.painPoint,
          goal: "stock that is neither sold out nor in the way",
          expectedOutcome: `${event.aggregateId} costs ${proposal.newPrice}`,
          impactMetric: "days until the stock is sold",
        },
        documentable: true,
        idempotencyKey: `${AGENT}/${event.eventId}/proposed`,
        causationId: event.eventId,
        correlationId: event.correlationId || `${AGENT}-${event.eventId}`,
        actor: `agent:${AGENT}`,
        source: AGENT,
      });
      const known = deduplicated ? ", as before" : "";
      const { old_price, new_price } = decision.proposal;
      console.log(`${event.aggregateId}: proposed ${new_price} instead of ${old_price}${known}`);
    } catch (error) {
      if (!(error instanceof IdempotencyKeyReused)) {
        throw error;
      }
      // An earlier version of this code proposed something else about the same event. That stands.
    }
  }

  async #act(approved: RecordedEvent): Promise<Skip | undefined> {
    const [proposed, ...decided] = await this.#history(approved.aggregate, approved.sequence);
    const { agent, proposal } = (proposed as RecordedEvent).data as Decision;
    if (agent !== AGENT) {
      return new Skip("somebody else's decision");
    }
    if (decided.find(isDecided)?.eventId !== approved.eventId) {
      return new Skip("it was decided before");
    }
    const idempotencyKey = `${AGENT}/${(proposed as RecordedEvent).eventId}/price_changed`;
    if (await this.#isDone(idempotencyKey)) {
      console.log(`${proposal.product}: its price was changed before`); // it was delivered again
      return undefined;
    }
    const { approved_by, changes } = approved.data as { approved_by: string; changes?: object };
    const { product: id, old_price, new_price } = { ...proposal, ...changes };
    const history = await this.#history(["product", id]);
    const product = productOf(history);
    if (product?.price !== old_price) {
      // Who approved it saw another price. Trying again does not mend that: a person has to look.
      throw new Park(`${id} costs ${product?.price} by now, and ${old_price} when it was proposed`);
    }
    try {
      await this.#client.emit(
        {
          eventType: "product.price_changed",
          aggregate: ["product", id],
          data: { old_price, new_price, reason: `approved by ${approved_by}` },
          idempotencyKey,
          causationId: approved.eventId,
          correlationId: approved.correlationId || (proposed as RecordedEvent).correlationId,
          actor: `agent:${AGENT}`,
          source: AGENT,
        },
        { expect: history.at(-1)?.sequence ?? "mustNotExist" },
      );
    } catch (error) {
      if (error instanceof SequenceConflict) {
        throw new Retry("the product has just changed", { afterMs: 0, cause: error });
      }
      throw error;
    }
    console.log(`${id}: costs ${new_price} now, as ${approved_by} approved`);
    return undefined;
  }

  async #takeNote(rejected: RecordedEvent): Promise<Skip | undefined> {
    const proposed = await this.#client.get({ aggregate: rejected.aggregate, sequence: 1 });
    const { agent, proposal } = proposed.data as Decision;
    if (agent !== AGENT) {
      return new Skip("somebody else's decision");
    }
    const { rejected_by, reason } = rejected.data as { rejected_by: string; reason: string };
    console.log(`${proposal.product}: stays at ${proposal.old_price}, ${rejected_by}: ${reason}`);
    return undefined;
  }

  async #isDone(idempotencyKey: string): Promise<boolean> {
    try {
      await this.#client.get({ idempotencyKey });
      return true;
    } catch (error) {
      if (error instanceof EventNotFound) {
        return false;
      }
      throw error;
    }
  }

  async #history(aggregate: RecordedEvent["aggregate"], throughSequence?: bigint) {
    const events: RecordedEvent[] = [];
    const end = throughSequence === undefined ? {} : { throughSequence };
    for await (const event of this.#client.replay({ aggregate, ...end })) {
      events.push(event);
    }
    return events;
  }
}

function isDecided({ eventType }: RecordedEvent): boolean {
  return eventType === "agent.decision_approved" || eventType === "agent.decision_rejected";
}

async function run(consumer: string, concurrency: number): Promise<void> {
  await using client = connect(process.env.EVERLOG_URL, {
    tenant: process.env.EVERLOG_TENANT ?? "default",
  });
  const { handlers } = new PricingAgent(client);
  await client.createConsumer(consumer, {
    filter: { eventTypes: Object.keys(handlers) },
    backoff: { initialMs: 200 },
  });
  const consumption = client.consume(consumer, handlers, {
    concurrency,
    onInterruption: (error, waitMs) =>
      console.error(`interrupted, again in ${(waitMs / 1000).toFixed(1)} s: ${error.message}`),
  });
  const stop = (): void => void consumption.stop();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  console.log(`${AGENT} is at work`);
  const { finished } = await consumption.done;
  process.off("SIGINT", stop).off("SIGTERM", stop);
  console.log(`ended after ${finished} events`);
}

const { values } = parseArgs({
  options: {
    consumer: { type: "string", default: AGENT },
    concurrency: { type: "string", default: "8" },
  },
});
run(values.consumer, Number(values.concurrency)).catch((error) => {
  console.error(`pricing_agent: ${error.message}`);
  process.exitCode = 1;
});
