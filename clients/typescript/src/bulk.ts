/**
 * Many events, in order, without waiting for each answer.
 *
 * A feeder takes events from the caller's iterable, puts them into requests and submits those; the
 * caller reads the answers in the order of the events. The feeder stops when too much is unanswered
 * or unread, so that memory does not grow with the length of the input.
 */

import { EverlogError, InvalidEvent } from "./errors.js";
import { mayBeRepeated, type NewEvent, toEventMessage } from "./events.js";
import {
  NewEvent as NewEventMessage,
  type NewEvent as NewEventMessageType,
} from "./generated/everlog/v1/event.js";
import type { KnownEventsPolicy } from "./generated/everlog/v1/event_store.js";
import type { EmitPipeline } from "./pipeline.js";
import type { Receipt } from "./recorded.js";
import { turnOfTheLoop } from "./waiting.js";

/** What became of one event of the input; `index` is its place there, from 0. */
export type EmitOutcome =
  | { readonly index: number; readonly receipt: Receipt; readonly error?: undefined }
  | { readonly index: number; readonly receipt?: undefined; readonly error: EverlogError };

/** How the events are put into requests. */
export interface BulkSettings {
  readonly batchEvents: number;
  readonly knownEvents: KnownEventsPolicy;
  readonly lingerMs: number;
  readonly timeoutMs: number;
  readonly makeKeys: boolean;
  readonly signal: AbortSignal | undefined;
}

const REQUEST_BYTES_MAX = 1024 * 1024;
const UNREAD_BYTES_MAX = 8 * 1024 * 1024;
const UNREAD_REQUESTS_MAX = 4_000;

/** One Emit in the making. */
interface Filling {
  readonly indexes: number[];
  readonly events: NewEventMessageType[];
  size: number;
  keyed: boolean;
  recognisable: boolean;
}

/** One Emit on its way; its outcomes never reject. */
interface Submitted {
  readonly size: number;
  readonly outcomes: Promise<EmitOutcome[]>;
}

/** Emits one iterable of events; used once. */
export class BulkEmit {
  readonly #pipeline: EmitPipeline;
  readonly #settings: BulkSettings;
  readonly #submitted: Submitted[] = [];
  #index = 0;
  #filling = newFilling();
  #linger: NodeJS.Timeout | undefined;
  #unreadBytes = 0;
  #unreadRequests = 0;
  #fed = false;
  #left = false;
  #source: AsyncIterator<NewEvent> | undefined;
  #giveUp: (reason: unknown) => void = () => {};
  #wakeReader: () => void = () => {};
  #wakeFeeder: () => void = () => {};

  constructor(pipeline: EmitPipeline, settings: BulkSettings) {
    const { batchEvents } = settings;
    if (!(Number.isInteger(batchEvents) && batchEvents >= 1 && batchEvents <= 1_000)) {
      throw new RangeError(`batchEvents is ${batchEvents}, expected 1 to 1,000`);
    }
    this.#pipeline = pipeline;
    this.#settings = settings;
  }

  /**
   * Emits the events, and yields what became of each, in their order.
   *
   * When the source of events itself fails, that is thrown here, after the outcomes of what it gave
   * before.
   */
  async *outcomes(
    events: Iterable<NewEvent> | AsyncIterable<NewEvent>,
  ): AsyncGenerator<EmitOutcome, void, undefined> {
    const { signal } = this.#settings;
    const aborted = (): void => {
      this.#giveUp(signal?.reason);
      this.#wakeReader();
    };
    signal?.addEventListener("abort", aborted, { once: true });
    const fed = this.#feed(events);
    fed.catch(() => {}); // thrown below, unless the reader has left before
    try {
      for (;;) {
        signal?.throwIfAborted();
        const request = this.#submitted.shift();
        if (request !== undefined) {
          // Not Promise.race: each race would stay noted with the one that never ends.
          yield* await new Promise<EmitOutcome[]>((resolve, reject) => {
            this.#giveUp = reject;
            request.outcomes.then(resolve, reject);
          });
          this.#unreadBytes -= request.size;
          this.#unreadRequests -= 1;
          this.#wakeFeeder();
        } else if (this.#fed) {
          break;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeReader = resolve;
          });
        }
      }
      await fed;
    } finally {
      signal?.removeEventListener("abort", aborted);
      clearTimeout(this.#linger);
      this.#left = true;
      this.#wakeFeeder();
      // A source that is waited for cannot see that nobody wants its next event.
      void Promise.resolve(this.#source?.return?.()).catch(() => {});
    }
  }

  async #feed(events: Iterable<NewEvent> | AsyncIterable<NewEvent>): Promise<void> {
    try {
      if (Symbol.asyncIterator in events) {
        const source = events[Symbol.asyncIterator]();
        this.#source = source;
        for (let next = await source.next(); !next.done; next = await source.next()) {
          await this.#add(next.value);
          if (this.#left) {
            return;
          }
          this.#lingerFromNow();
        }
      } else {
        for (const event of events) {
          await this.#add(event);
          if (this.#left) {
            return;
          }
        }
      }
    } finally {
      if (!this.#left) {
        this.#submit();
      }
      this.#fed = true;
      this.#wakeReader();
    }
  }

  async #add(event: NewEvent): Promise<void> {
    const index = this.#index++;
    let message: NewEventMessageType;
    try {
      message = toEventMessage(event, this.#settings.makeKeys);
    } catch (error) {
      this.#submit();
      const refusal = new InvalidEvent({ message: (error as Error).message });
      this.#handOver(0, Promise.resolve([{ index, error: refusal }]));
      await this.#waitForRoom();
      return;
    }
    const size = NewEventMessage.encode(message).finish().length;
    // A request is all or nothing, also as to keys: the server refuses a mixture.
    const keyed = message.idempotencyKey !== "";
    const { events: companions, keyed: companionsKeyed, size: sizeBefore } = this.#filling;
    const apart = companionsKeyed !== keyed || sizeBefore + size > REQUEST_BYTES_MAX;
    if (companions.length > 0 && apart) {
      this.#submit();
      await this.#waitForRoom();
    }
    const filling = this.#filling;
    filling.indexes.push(index);
    filling.events.push(message);
    filling.size += size;
    filling.keyed = keyed;
    filling.recognisable &&= mayBeRepeated(message);
    if (filling.events.length >= this.#settings.batchEvents) {
      this.#submit();
      await this.#waitForRoom();
    }
  }

  /** The next event may be long in coming: what is here does not wait for it. */
  #lingerFromNow(): void {
    clearTimeout(this.#linger);
    const { lingerMs } = this.#settings;
    if (this.#filling.events.length > 0 && Number.isFinite(lingerMs)) {
      this.#linger = setTimeout(() => this.#submit(), lingerMs);
    }
  }

  #submit(): void {
    clearTimeout(this.#linger);
    const { indexes, events, size, recognisable } = this.#filling;
    if (events.length === 0) {
      return;
    }
    this.#filling = newFilling();
    const { knownEvents, timeoutMs } = this.#settings;
    const receipts = this.#pipeline.submit(
      { events, expectedSequences: [], knownEvents },
      { recognisable, timeoutMs },
    );
    this.#handOver(size, outcomesOf(indexes, receipts));
  }

  #handOver(size: number, outcomes: Promise<EmitOutcome[]>): void {
    this.#submitted.push({ size, outcomes });
    this.#unreadBytes += size;
    this.#unreadRequests += 1;
    this.#wakeReader();
  }

  async #waitForRoom(): Promise<void> {
    // Give way now and then: a plain iterable would keep the loop from sending anything.
    if (this.#unreadRequests % 64 === 0) {
      await turnOfTheLoop();
    }
    while (
      !this.#left &&
      (this.#unreadBytes >= UNREAD_BYTES_MAX || this.#unreadRequests >= UNREAD_REQUESTS_MAX)
    ) {
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
      });
    }
  }
}

function newFilling(): Filling {
  return { indexes: [], events: [], size: 0, keyed: false, recognisable: true };
}

async function outcomesOf(
  indexes: readonly number[],
  receipts: Promise<Receipt[]>,
): Promise<EmitOutcome[]> {
  try {
    const given = await receipts;
    return indexes.map((index, place) => ({ index, receipt: given[place] as Receipt }));
  } catch (error) {
    if (error instanceof EverlogError) {
      return indexes.map((index) => ({ index, error }));
    }
    throw error;
  }
}
