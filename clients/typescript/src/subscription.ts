/**
 * One subscription that outlives connections: it resumes where it was, without skip or repeat.
 *
 *     connect ──▶ read ──▶ hand out ──▶ read …
 *        ▲          │
 *        └─ wait ◀──┘ interrupted: UNAVAILABLE, cut off, or silent for three heartbeats
 *
 * The cursor moves to a response's `examined_position` only when the response is here as a whole;
 * all of its events are handed out before the next one is read. So whatever breaks, the next
 * connection begins after exactly what was handed out. Where the cursor's event is known, its id
 * goes along, and a log that was restored to an earlier state meanwhile is recognised
 * (`LOG_DIVERGED`).
 */

import { ConnectionLost, type EverlogError } from "./errors.js";
import type { SubscribeRequest, SubscribeResponse } from "./generated/everlog/v1/event_store.js";
import { RecordedEvent } from "./recorded.js";
import type { Responses } from "./responses.js";
import { type Backoff, backoffMs, subscriptionMayBeResumed } from "./retry.js";
import { pause } from "./waiting.js";

const HEARTBEATS_MISSED_MAX = 3;

/** Everything that the log had, up to this position, is handed out: what follows is live. */
export class CaughtUp {
  readonly position: bigint;

  constructor(position: bigint) {
    this.position = position;
  }
}

/** The caller reads more slowly than the log grows; nothing is lost. */
export class FellBehind {
  readonly position: bigint;

  constructor(position: bigint) {
    this.position = position;
  }
}

/** Where to go on after a subscription: spread it into the options of the next one. */
export interface Cursor {
  readonly afterPosition: bigint;

  /** The id of the event there; empty when it is not known. */
  readonly afterEventId: string;
}

/** How a subscription deals with interruptions, and what it hands out. */
export interface SubscriptionSettings {
  readonly marks: boolean;

  /** Absent: an interruption ends the subscription. */
  readonly backoff: Backoff | undefined;

  readonly heartbeatMs: number;
  readonly signal: AbortSignal | undefined;
  readonly onInterruption: ((error: EverlogError, waitMs: number) => void) | undefined;
}

/**
 * The events after a cursor, and then every new one; iterate over it, once.
 *
 * Leaving the loop ends the call, and so do `close`, `await using` and the signal, from anywhere:
 * after `close` the loop ends, after an abort it fails with the signal's reason.
 */
export class Subscription<Item = RecordedEvent>
  implements AsyncIterableIterator<Item>, AsyncDisposable
{
  readonly #openCall: (request: SubscribeRequest) => Responses<SubscribeResponse>;
  readonly #settings: SubscriptionSettings;
  readonly #closing = new AbortController();
  readonly #items: AsyncGenerator<Item, void, undefined>;
  #request: SubscribeRequest;
  #responses: Responses<SubscribeResponse> | undefined;
  #cursor: Cursor;
  #failures = 0;

  constructor(
    openCall: (request: SubscribeRequest) => Responses<SubscribeResponse>,
    request: SubscribeRequest,
    settings: SubscriptionSettings,
  ) {
    this.#openCall = openCall;
    this.#request = request;
    this.#settings = settings;
    const { start, afterEventId } = request;
    const afterPosition = start?.$case === "afterPosition" ? start.value : 0n;
    this.#cursor = { afterPosition, afterEventId };
    this.#items = this.#run() as AsyncGenerator<Item, void, undefined>;
  }

  /**
   * The position after which to subscribe again, to go on after the last item.
   *
   * It may be further than the last event's: nothing in between matched. 0n until the first message
   * when the subscription started from a time or from now.
   */
  get position(): bigint {
    return this.#cursor.afterPosition;
  }

  /** The same with the event's id, by which a restored log is recognised: keep both. */
  get cursor(): Cursor {
    return this.#cursor;
  }

  next(): Promise<IteratorResult<Item, void>> {
    return this.#items.next();
  }

  return(): Promise<IteratorResult<Item, void>> {
    // A generator that waits would take note of its return only after what it waits for.
    this.#closing.abort();
    return this.#items.return();
  }

  /** Ends the subscription. */
  async close(): Promise<void> {
    await this.return();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async *#run(): AsyncGenerator<RecordedEvent | CaughtUp | FellBehind, void, undefined> {
    const { signal } = this.#settings;
    const end = this.#closing.signal;
    const abort = (): void => this.#closing.abort(signal?.reason);
    const cancel = (): void => this.#responses?.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    end.addEventListener("abort", cancel, { once: true });
    try {
      for (;;) {
        signal?.throwIfAborted();
        if (end.aborted) {
          return;
        }
        const responses = this.#openCall(this.#request);
        this.#responses = responses;
        let response: SubscribeResponse | undefined;
        while ((response = await this.#next(responses)) !== undefined && !end.aborted) {
          this.#failures = 0;
          for (const event of response.events) {
            this.#cursor = { afterPosition: event.position, afterEventId: event.eventId };
            yield new RecordedEvent(event);
          }
          this.#advance(response);
          yield* this.#marksOf(response);
        }
        if (!end.aborted) {
          const message = "the server ended the stream without a reason";
          await this.#waitOrThrow(responses.failure ?? new ConnectionLost({ message }), end);
        }
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!end.aborted || error !== end.reason) {
        throw error;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      cancel();
    }
  }

  #next(responses: Responses<SubscribeResponse>): Promise<SubscribeResponse | undefined> {
    return responses.next(HEARTBEATS_MISSED_MAX * this.#settings.heartbeatMs);
  }

  /** Begins after this response next time. */
  #advance({ events, examinedPosition }: SubscribeResponse): void {
    const last = events.at(-1);
    let { afterEventId } = this.#request;
    if (last?.position === examinedPosition) {
      afterEventId = last.eventId;
    } else if (
      this.#request.start?.$case !== "afterPosition" ||
      this.#request.start.value !== examinedPosition
    ) {
      afterEventId = "";
    }
    this.#cursor = { afterPosition: examinedPosition, afterEventId };
    const start = { $case: "afterPosition" as const, value: examinedPosition };
    this.#request = { ...this.#request, start, afterEventId };
  }

  #marksOf({
    caughtUp,
    fellBehind,
    examinedPosition,
  }: SubscribeResponse): (CaughtUp | FellBehind)[] {
    const marks: (CaughtUp | FellBehind)[] = [];
    if (this.#settings.marks && caughtUp !== undefined) {
      marks.push(new CaughtUp(examinedPosition));
    }
    if (this.#settings.marks && fellBehind !== undefined) {
      marks.push(new FellBehind(examinedPosition));
    }
    return marks;
  }

  async #waitOrThrow(error: EverlogError, end: AbortSignal): Promise<void> {
    const { backoff, onInterruption } = this.#settings;
    if (backoff === undefined || !subscriptionMayBeResumed(error)) {
      throw error;
    }
    this.#failures += 1;
    const waitMs = backoffMs(backoff, this.#failures, error.retryAfterMs);
    onInterruption?.(error, waitMs);
    await pause(waitMs, end);
  }
}
