/**
 * A consumer's deliveries, one after the other, through any number of connections.
 *
 *     join ──▶ hand out ──▶ …          leave ──▶ give back what was not handed out ──▶ end
 *       ▲          │
 *       └─ wait ◀──┘ interrupted: UNAVAILABLE, cut off, or silent for three heartbeats
 *
 * A member that lost its connection is gone, and what it had not finished goes to others: it joins
 * again as a new one. A delivery belongs to the connection that it came with, and so does its answer.
 */

import type { Delivery } from "./delivery.js";
import { ConnectionLost, type EverlogError } from "./errors.js";
import type { ConsumeRequest_Open } from "./generated/everlog/v1/consumers.js";
import { type ConsumeCall, Membership } from "./membership.js";
import type { CallOptions } from "./requests.js";
import { type Backoff, backoffMs, membershipMayBeResumed } from "./retry.js";
import { wellFormed } from "./texts.js";
import { toDuration } from "./times.js";
import { pause, TIMER_MS_MAX } from "./waiting.js";

const HEARTBEATS_MISSED_MAX = 3;
const DEFAULT_CLOSE_MS = 10_000;

/** How a member joins a consumer. */
export interface MemberOptions extends CallOptions {
  /** What the member calls itself, for people; the host's name and the process's id when absent. */
  readonly memberName?: string;

  /** The server's longest silence, 100 to 3,600,000; 10,000 when absent. After three it reconnects. */
  readonly heartbeatMs?: number;

  /** Called with what interrupted, and the milliseconds until the next attempt. */
  readonly onInterruption?: (error: EverlogError, waitMs: number) => void;

  /**
   * Called with a delivery whose answer or renewal does not count (`DeliveryNotHeld`: its lease had
   * run out, the consumer was reset, somebody decided by hand), or may not (`ConnectionLost`).
   */
  readonly onUnsettled?: (delivery: Delivery, error: EverlogError) => void;
}

export interface DeliveriesOptions extends MemberOptions {
  /** How many unanswered deliveries to be sent at most, 1 to 1,000; absent: the consumer's settings. */
  readonly credit?: number;
}

/** What the client adds. */
export interface DeliveriesSettings {
  readonly renews: boolean;

  /** Absent: an interruption is the end. */
  readonly backoff: Backoff | undefined;

  readonly onEnd: () => void;
}

/**
 * The deliveries of a consumer; iterate over it, once, and answer each.
 *
 * What has arrived keeps its lease until it is handed out. From then on `inProgress` renews it.
 * `close`, leaving the loop and `await using` wait until the answers given so far are stored; what has
 * no answer then has failed. After `leave` the loop ends by itself, when all is answered. Either gives
 * back what was not handed out: nothing is counted. An abort of the signal ends the call at once: the loop fails with the signal's reason.
 */
export class Deliveries implements AsyncIterableIterator<Delivery>, AsyncDisposable {
  readonly #openCall: () => ConsumeCall;
  readonly #open: ConsumeRequest_Open;
  readonly #heartbeatMs: number;
  readonly #options: DeliveriesOptions;
  readonly #settings: DeliveriesSettings;
  readonly #leaving = new AbortController();
  readonly #items: AsyncGenerator<Delivery, void, undefined>;
  #member: Membership | undefined;
  #arriving: Promise<void> | undefined;
  #here: Delivery[] = [];
  #wake: () => void = () => {};
  #ended = false;
  #error: unknown;

  constructor(
    openCall: () => ConsumeCall,
    consumer: string,
    memberName: string,
    options: DeliveriesOptions,
    settings: DeliveriesSettings,
  ) {
    const { credit = 0, heartbeatMs = 10_000 } = options;
    if (
      options.credit !== undefined &&
      !(Number.isInteger(credit) && credit > 0 && credit <= 1_000)
    ) {
      throw new RangeError(`credit is ${credit}, expected 1 to 1,000`);
    }
    if (!(heartbeatMs > 0 && heartbeatMs <= 3_600_000)) {
      throw new RangeError(`heartbeatMs is ${heartbeatMs}, expected 100 to 3,600,000`);
    }
    this.#openCall = openCall;
    this.#open = {
      consumer: wellFormed(consumer, "the consumer's name"),
      memberName: wellFormed(memberName, "memberName"),
      credit,
      heartbeatInterval: toDuration(heartbeatMs),
    };
    this.#heartbeatMs = heartbeatMs;
    this.#options = options;
    this.#settings = settings;
    this.#items = this.#handOut();
  }

  next(): Promise<IteratorResult<Delivery, void>> {
    return this.#items.next();
  }

  async return(): Promise<IteratorResult<Delivery, void>> {
    await this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Takes nothing more: the loop ends when all that was handed out is answered. What was not goes back,
   * also what is still on its way.
   */
  leave(): void {
    this.#leaving.abort();
    this.#giveBack();
    this.#member?.leave();
  }

  /** Ends it, when the answers given so far are stored, or the time is over. */
  async close(timeoutMs: number = DEFAULT_CLOSE_MS): Promise<void> {
    this.leave();
    const member = this.#member;
    const over = new AbortController();
    const time = pause(Math.min(timeoutMs, TIMER_MS_MAX), over.signal).catch(() => {});
    if (member !== undefined) {
      await Promise.race([member.settled(), time]);
      if (member.heldCount === 0) {
        await Promise.race([this.#arriving, time]); // the server ends it by itself
      }
      member.cancel(leaves());
    }
    over.abort();
    await this.#arriving;
    this.#end();
    await this.#items.return();
  }

  /** Ends it at once: the loop fails with the reason, and what has no answer has failed. */
  abort(reason: unknown): void {
    if (!this.#ended) {
      this.#error = reason;
      this.#here = [];
      this.#leaving.abort();
      this.#member?.cancel(new ConnectionLost({ message: "the member was aborted" }));
    }
  }

  #giveBack(): void {
    for (const delivery of this.#here.splice(0)) {
      void delivery.release(); // never rejects
    }
  }

  async *#handOut(): AsyncGenerator<Delivery, void, undefined> {
    this.#arriving = this.#arrive();
    for (;;) {
      const delivery = this.#here.shift();
      if (delivery !== undefined) {
        this.#member?.handOut(delivery);
        yield delivery;
      } else if (!this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#error !== undefined) {
        throw this.#error;
      } else {
        return;
      }
    }
  }

  /** Joins, and joins again, and takes what comes, until it has left. Never rejects. */
  async #arrive(): Promise<void> {
    const { signal } = this.#options;
    const abort = (): void => this.abort(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      signal?.throwIfAborted();
      await this.#joinAgainAndAgain();
    } catch (error) {
      if (!this.#leaving.signal.aborted) {
        this.#error = error;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#member?.cancel(leaves());
      this.#end();
    }
  }

  #end(): void {
    this.#ended = true;
    this.#settings.onEnd();
    this.#wake();
  }

  async #joinAgainAndAgain(): Promise<void> {
    const { backoff, renews } = this.#settings;
    const { onInterruption, onUnsettled } = this.#options;
    const left = this.#leaving.signal;
    const onThrown = (thrown: unknown): void => this.abort(thrown);
    for (let failures = 1; !left.aborted; failures++) {
      const settings = { renews, onUnsettled, onThrown };
      const member = new Membership(this.#openCall(), this.#open, settings);
      this.#member = member;
      let deliveries: Delivery[] | undefined;
      while (
        (deliveries = await member.next(HEARTBEATS_MISSED_MAX * this.#heartbeatMs)) !== undefined
      ) {
        if (member.works) {
          failures = 1; // a server that lets it in and fails at once is not to be called without a pause
        }
        this.#here.push(...deliveries);
        if (left.aborted) {
          this.#giveBack(); // they were on their way
        } else if (deliveries.length > 0) {
          this.#wake();
        }
      }
      this.#here = [];
      if (left.aborted) {
        return;
      }
      const message = "the server ended the stream without a reason";
      const error = member.failure ?? new ConnectionLost({ message });
      if (backoff === undefined || !membershipMayBeResumed(error)) {
        throw error;
      }
      const waitMs = backoffMs(backoff, failures, error.retryAfterMs);
      onInterruption?.(error, waitMs);
      await pause(waitMs, left);
    }
  }
}

function leaves(): ConnectionLost {
  return new ConnectionLost({ message: "the member has left" });
}
