/**
 * Handlers at work on a consumer's deliveries.
 *
 *     delivered ──▶ waiting ──▶ running ──▶ ack, or nack
 *                      └──────▶ release, when it stops
 *
 * Invariants:
 *
 * - At most `concurrency` handlers run.
 * - The server delivers the events of an aggregate one at a time. What it cannot see is a handler that
 *   is still running though its delivery is lost (the connection broke, the consumer was reset): the
 *   aggregate's next delivery waits for it here, and so does the same event. Only one whose time is
 *   over is not waited for: nobody can end it, and it may never end.
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

  /**
   * How long a handler may take. Then its event has failed and its signal is aborted; nobody waits for
   * it any more. Absent: for ever, and so long the event's lease is renewed.
   */
  readonly handlerTimeoutMs?: number;

  /** Called with what a handler threw, unless it was a decision; absent: `console.warn` is. */
  readonly onFailure?: (error: unknown, context: DeliveryContext) => void;
}

/** What came of consuming. */
export interface Stopped {
  /** How many calls of handlers came to their end, well or not, or had no more time. */
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
    const { handlerTimeoutMs } = options;
    if (handlerTimeoutMs !== undefined && !(handlerTimeoutMs > 0)) {
      throw new RangeError(`handlerTimeoutMs is ${handlerTimeoutMs}, expected more than 0`);
    }
    this.done = this.#run();
  }

  /** How many handlers run. */
  get running(): number {
    return this.#runningCount;
  }

  /**
   * Takes nothing more, gives back what no handler has begun, lets the others finish, and waits until
   * their answers are stored: at most this long, then their signals are aborted and their events left
   * to others, as failed. Again
   * with a shorter time, it is over sooner. Never rejects; `done` says what went wrong before.
   */
  async stop(timeoutMs: number = this.#options.stopTimeoutMs ?? DEFAULT_STOP_MS): Promise<Stopped> {
    this.#deliveries.leave();
    for (const delivery of this.#waiting.splice(0)) {
      void delivery.release(); // never rejects
    }
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
    const { why, failed } = await this.#outcome(delivery);
    this.#runningCount -= 1;
    this.#finished += 1;
    sameAggregate.delete(delivery);
    if (sameAggregate.size === 0) {
      this.#running.delete(aggregate);
    }
    // Neither rejects. After its time it has an answer already, which stays.
    void (failed ? delivery.nack(why) : delivery.ack());
    this.#startWhatMay();
    if (this.#runningCount === 0) {
      this.#idle();
    }
    if (failed && !isDecision(why)) {
      const { onFailure = warn } = this.#options;
      onFailure(why, delivery);
    }
  }

  async #outcome(delivery: Delivery): Promise<Outcome> {
    const { handlerTimeoutMs } = this.#options;
    if (handlerTimeoutMs === undefined) {
      return await this.#handled(delivery);
    }
    let timer: NodeJS.Timeout | undefined;
    const overtime = new Promise<Outcome>((resolve) => {
      timer = setTimeout(
        () => {
          const why = new Error(`the handler was not through after ${handlerTimeoutMs / 1000} s`);
          why.name = "TimeoutError";
          delivery.timeOut(why);
          resolve({ why, failed: true });
        },
        Math.min(handlerTimeoutMs, TIMER_MS_MAX),
      );
    });
    try {
      return await Promise.race([this.#handled(delivery), overtime]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Calls the handler; never rejects. */
  async #handled(delivery: Delivery): Promise<Outcome> {
    const { event } = delivery;
    try {
      const handler = this.#route(event.eventType);
      if (handler === undefined) {
        throw new TypeError(`no handler is for ${event.eventType}; one for "*" would get it`);
      }
      const why = await handler(event, delivery);
      return { why, failed: isDecision(why) };
    } catch (why) {
      return { why, failed: true };
    }
  }
}

/** What a handler has come to. */
interface Outcome {
  readonly why: unknown;
  readonly failed: boolean;
}

function aggregateOf({ aggregateType, aggregateId }: Delivery["event"]): string {
  return `${aggregateType}\0${aggregateId}`;
}

function warn(error: unknown, { event, attempt }: DeliveryContext): void {
  console.warn(`everlog: attempt ${attempt} of event ${event.position} failed:`, error);
}
