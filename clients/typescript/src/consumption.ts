/**
 * Handlers at work on a consumer's deliveries.
 *
 *     delivered ──▶ waiting ──▶ running ──▶ ack, or nack
 *
 * Invariants:
 *
 * - At most `concurrency` handlers run.
 * - The server delivers the events of an aggregate one at a time. What it cannot see is a handler that
 *   is still running though its delivery is lost (the connection broke, the consumer was reset): the
 *   aggregate's next delivery waits for it here, and so does the same event.
 */

import type { Deliveries, MemberOptions } from "./deliveries.js";
import { type Delivery, type DeliveryContext, isDecision } from "./delivery.js";
import type { Route } from "./handlers.js";
import { pause, TIMER_MS_MAX } from "./waiting.js";

const DEFAULT_STOP_MS = 30_000;

export interface ConsumeOptions extends MemberOptions {
  /**
   * How many handlers may run at once, 1 to 1,000; as many as the consumer's settings allow when
   * absent. Events of one aggregate have their turns nevertheless.
   */
  readonly concurrency?: number;

  /** How long `stop` waits when it is not told; 30,000 when absent. */
  readonly stopTimeoutMs?: number;

  /** Called with what a handler threw, unless it was a decision; absent: `console.warn` is. */
  readonly onFailure?: (error: unknown, context: DeliveryContext) => void;
}

/** What came of consuming. */
export interface Stopped {
  /** How many calls of handlers came to their end, well or not. */
  readonly finished: number;

  /** How many were still running when the time for stopping was over: others get their events. */
  readonly abandoned: number;
}

/**
 * A member of a consumer, at work until it is stopped.
 *
 * Each event is handled at least once: again when a handler failed, and when its end could not be
 * stored before a connection, server or process died. The lease of a running handler is renewed by
 * itself. Interruptions are waited out, and the member joins again; what cannot be mended by waiting
 * (`ConsumerNotFound`, `PermissionDenied`) is the end, and so is an aborted signal.
 */
export class Consumption implements AsyncDisposable {
  /**
   * Resolves when it was stopped; rejects with what ended it before. Unless somebody waits for it, a
   * failure ends the process, as every rejection does that nobody handles.
   */
  readonly done: Promise<Stopped>;

  readonly #deliveries: Deliveries;
  readonly #route: Route;
  readonly #options: ConsumeOptions;
  readonly #running = new Map<string, Set<Delivery>>();
  #runningCount = 0;
  #waiting: Delivery[] = [];
  #finished = 0;
  #abandoned: number | undefined;
  #idle: () => void = () => {};

  constructor(deliveries: Deliveries, route: Route, options: ConsumeOptions) {
    this.#deliveries = deliveries;
    this.#route = route;
    this.#options = options;
    this.done = this.#run();
  }

  /** How many handlers run. */
  get running(): number {
    return this.#runningCount;
  }

  /**
   * Takes nothing more, lets what was delivered be handled, and waits until its answers are stored:
   * at most this long, then the handlers' signals are aborted and their events left to others. Again
   * with a shorter time, it is over sooner. Never rejects; `done` says what went wrong before.
   */
  async stop(timeoutMs: number = this.#options.stopTimeoutMs ?? DEFAULT_STOP_MS): Promise<Stopped> {
    this.#deliveries.leave();
    const over = new AbortController();
    const ended = this.done.then(
      () => {},
      () => {},
    );
    const time = pause(Math.min(timeoutMs, TIMER_MS_MAX), over.signal).then(
      () => this.#abandon(),
      () => {},
    );
    await Promise.race([ended, time]);
    over.abort();
    await ended;
    return this.#result();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<Stopped> {
    for await (const delivery of this.#deliveries) {
      this.#waiting.push(delivery);
      this.#startWhatMay();
    }
    // The server ends the stream when all is answered. Had it broken instead, there may be more to do.
    while (this.#runningCount > 0 && this.#abandoned === undefined) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    return this.#result();
  }

  #result(): Stopped {
    return { finished: this.#finished, abandoned: this.#abandoned ?? 0 };
  }

  async #abandon(): Promise<void> {
    this.#abandoned = this.#runningCount;
    this.#idle();
    await this.#deliveries.close(0);
  }

  #startWhatMay(): void {
    const { concurrency = Number.POSITIVE_INFINITY } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const delivery of waiting) {
      if (delivery.loss !== undefined) {
        continue;
      }
      if (this.#runningCount < concurrency && !this.#mustWait(delivery)) {
        void this.#work(delivery).catch((error) => this.#deliveries.abort(error));
      } else {
        this.#waiting.push(delivery);
      }
    }
  }

  #mustWait({ event }: Delivery): boolean {
    for (const other of this.#running.get(aggregateOf(event)) ?? []) {
      if (other.loss !== undefined || other.event.eventId === event.eventId) {
        return true;
      }
    }
    return false;
  }

  async #work(delivery: Delivery): Promise<void> {
    const { event } = delivery;
    const aggregate = aggregateOf(event);
    const sameAggregate = this.#running.get(aggregate) ?? new Set();
    this.#running.set(aggregate, sameAggregate.add(delivery));
    this.#runningCount += 1;
    let why: unknown;
    let failed = false;
    try {
      const handler = this.#route(event.eventType);
      if (handler === undefined) {
        throw new TypeError(`no handler is for ${event.eventType}; one for "*" would get it`);
      }
      why = await handler(event, delivery);
      failed = isDecision(why);
    } catch (error) {
      why = error;
      failed = true;
    }
    this.#runningCount -= 1;
    this.#finished += 1;
    sameAggregate.delete(delivery);
    if (sameAggregate.size === 0) {
      this.#running.delete(aggregate);
    }
    void (failed ? delivery.nack(why) : delivery.ack()); // never rejects
    this.#startWhatMay();
    if (this.#runningCount === 0) {
      this.#idle();
    }
    if (failed && !isDecision(why)) {
      const { onFailure = warn } = this.#options;
      onFailure(why, delivery);
    }
  }
}

function aggregateOf({ aggregateType, aggregateId }: Delivery["event"]): string {
  return `${aggregateType}\0${aggregateId}`;
}

function warn(error: unknown, { event, attempt }: DeliveryContext): void {
  console.warn(`everlog: attempt ${attempt} of event ${event.position} failed:`, error);
}
