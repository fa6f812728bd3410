/**
 * Events on their way from an emitter to the log: a bounded buffer, emptied from its front.
 *
 *     add ──▶ waiting ──▶ one batch on its way ──▶ stored, known already, or refused for good
 *                ▲                   │
 *                └── not for now ────┘  after a pause, the same events with the same keys
 *
 * Invariants:
 *
 * - One batch is on its way at a time, and the next one begins where it ended: what is stored is
 *   stored in the order of `add`, whatever failed in between.
 * - An event leaves the buffer only with an answer. What cannot be added is for the caller to count.
 * - One bad event costs only itself: a batch that is refused for good is tried in halves, down to the
 *   event that is the reason.
 * - Nothing here rejects or throws at whoever adds.
 */

import type { Client } from "../client.js";
import { EverlogError } from "../errors.js";
import type { NewEvent } from "../events.js";
import { type Backoff, backoffMs } from "../retry.js";
import type { Complaints } from "./complaints.js";
import { judge } from "./judging.js";
import type { Mapped } from "./mapping.js";

const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 1024 * 1024;
const UNCLEAR_ATTEMPTS_MAX = 3;
const TIMER_MS_MAX = 2 ** 31 - 1; // beyond it, setTimeout goes off at once

export interface OutboxSettings {
  readonly bufferEventsMax: number;
  readonly bufferBytesMax: number;
  readonly attemptTimeoutMs: number;
  readonly backoff: Backoff;
}

interface Flush {
  /** How many events must have been settled, since the beginning. */
  readonly settled: number;

  readonly finish: (complete: boolean) => void;
}

/** Sends events in their order; see the module. */
export class Outbox {
  readonly #client: Client;
  readonly #settings: OutboxSettings;
  readonly #complaints: Complaints;
  readonly #end = new AbortController();
  readonly #flushes = new Set<Flush>();
  readonly #waiting: Mapped[] = [];
  #bytes = 0;
  #added = 0;
  #settled = 0;
  #stored = 0;
  #deduplicated = 0;
  #refused = 0;
  #batchEvents = BATCH_EVENTS_MAX;
  #failures = 0;
  #unclear = 0;
  #draining = false;
  #hurry: () => void = () => {};

  constructor(client: Client, settings: OutboxSettings, complaints: Complaints) {
    this.#client = client;
    this.#settings = settings;
    this.#complaints = complaints;
  }

  /** How many events were stored, were known to the log, were refused for good, and wait. */
  get counts() {
    return {
      stored: this.#stored,
      deduplicated: this.#deduplicated,
      refused: this.#refused,
      buffered: this.#waiting.length,
      bufferedBytes: this.#bytes,
    };
  }

  /** Whether there is no room, even for the smallest event. */
  get full(): boolean {
    const { bufferEventsMax, bufferBytesMax } = this.#settings;
    return this.#waiting.length >= bufferEventsMax || this.#bytes >= bufferBytesMax;
  }

  /** Queues an event; false when there is no room for it. */
  add(mapped: Mapped): boolean {
    if (this.full || this.#bytes + mapped.bytes > this.#settings.bufferBytesMax) {
      return false;
    }
    this.#waiting.push(mapped);
    this.#bytes += mapped.bytes;
    this.#added += 1;
    this.#drainSoon();
    return true;
  }

  /** Resolves with true when everything that was added has its answer, with false when time is over. */
  flush(timeoutMs: number): Promise<boolean> {
    if (this.#settled === this.#added) {
      return Promise.resolve(true);
    }
    if (this.#ended) {
      return Promise.resolve(false);
    }
    this.#drainSoon();
    return new Promise((resolve) => {
      const finish = (complete: boolean): void => {
        clearTimeout(timer);
        this.#flushes.delete(flush);
        resolve(complete);
      };
      const flush: Flush = { settled: this.#added, finish };
      // This timer keeps the process alive: somebody waits.
      const timer = setTimeout(() => finish(false), Math.min(timeoutMs, TIMER_MS_MAX));
      this.#flushes.add(flush);
    });
  }

  /** Tries at once, if it is in a pause. */
  hurry(): void {
    this.#hurry();
  }

  /** Sends nothing more. Returns what has no answer; the first of it may be on its way. */
  end(): NewEvent[] {
    this.#end.abort();
    this.#hurry();
    this.#giveUpFlushes();
    return this.#waiting.map(({ event }) => event);
  }

  get #ended(): boolean {
    return this.#end.signal.aborted || this.#client.closed;
  }

  #drainSoon(): void {
    if (!this.#draining) {
      this.#draining = true;
      // Not within `emit`: what is emitted in the same turn of the loop comes along.
      setImmediate(() => void this.#drain());
    }
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#ended) {
      const batch = this.#nextBatch();
      try {
        const receipts = await this.#client.emitMany(
          batch.map(({ event }) => event),
          {
            // A batch that is tried again may begin and end elsewhere.
            knownEvents: "skip",
            timeoutMs: this.#settings.attemptTimeoutMs,
            signal: this.#end.signal,
          },
        );
        const known = receipts.filter(({ deduplicated }) => deduplicated).length;
        this.#deduplicated += known;
        this.#stored += receipts.length - known;
        this.#settle(batch.length);
        this.#batchEvents = Math.min(this.#batchEvents * 2, BATCH_EVENTS_MAX);
      } catch (error) {
        if (!this.#ended) {
          await this.#bear(error, batch);
        }
      }
    }
    this.#draining = false;
    if (this.#ended) {
      this.#giveUpFlushes();
      if (this.#waiting.length > 0 && !this.#end.signal.aborted) {
        this.#complaints.say("closed", () => `the client is closed, ${this.#backlog()}`);
      }
    }
  }

  #nextBatch(): Mapped[] {
    let bytes = 0;
    const candidates = this.#waiting.slice(0, this.#batchEvents);
    const over = candidates.findIndex((mapped) => (bytes += mapped.bytes) > BATCH_BYTES_MAX);
    return over < 0 ? candidates : candidates.slice(0, Math.max(over, 1));
  }

  /** Decides what follows from a failure: a pause, smaller batches, or to do without an event. */
  async #bear(error: unknown, batch: readonly Mapped[]): Promise<void> {
    const verdict = judge(error);
    this.#unclear = verdict === "unclear" ? this.#unclear + 1 : 0;
    if (verdict === "wait" || (verdict === "unclear" && this.#unclear < UNCLEAR_ATTEMPTS_MAX)) {
      this.#failures += 1;
      this.#complaints.say("interrupted", () => `${said(error)}; ${this.#backlog()}`);
      const retryAfterMs = error instanceof EverlogError ? error.retryAfterMs : undefined;
      await this.#pause(backoffMs(this.#settings.backoff, this.#failures, retryAfterMs));
      return;
    }
    this.#unclear = 0;
    const [first] = batch as [Mapped];
    if (batch.length > 1) {
      this.#batchEvents = Math.ceil(batch.length / 2);
      return;
    }
    const { eventType, idempotencyKey } = first.event;
    this.#complaints.say("refused", () => {
      const name = `${eventType} with key ${idempotencyKey}`;
      return `${name} is refused for good: ${said(error)}`;
    });
    this.#refused += 1;
    this.#settle(1);
  }

  #settle(count: number): void {
    for (const { bytes } of this.#waiting.splice(0, count)) {
      this.#bytes -= bytes;
    }
    this.#settled += count;
    this.#failures = 0;
    this.#unclear = 0;
    for (const flush of this.#flushes) {
      if (flush.settled <= this.#settled) {
        flush.finish(true);
      }
    }
  }

  #giveUpFlushes(): void {
    for (const flush of this.#flushes) {
      flush.finish(false);
    }
  }

  /** Does not keep the process alive. */
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds).unref();
      this.#hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #backlog(): string {
    return `${this.#waiting.length} events (${this.#bytes} bytes) wait`;
  }
}

function said(error: unknown): string {
  const { name, message } = error as Error;
  return `${name}: ${message}`;
}
