/** What a consumer's member is given to work on, and what it may say of it. */

import type { EverlogError } from "./errors.js";
import type {
  DeliveryAnswer,
  Delivery as DeliveryMessage,
  DeliveryAnswer_Nack as Nack,
} from "./generated/everlog/v1/consumers.js";
import { RecordedEvent } from "./recorded.js";
import { toDuration } from "./times.js";

// The server cuts at 4 KiB: what lies beyond need not travel.
const ERROR_CHARACTERS_MAX = 4096;

/**
 * Try the event again; thrown or returned by a handler, or given to `nack`.
 *
 * The message says why, or else its `cause`. It counts as an attempt.
 */
export class Retry extends Error {
  static {
    Retry.prototype.name = "Retry";
  }

  /** Until the next attempt, at most 7 days; 0: none, undefined: the consumer's back-off says. */
  readonly afterMs: number | undefined;

  constructor(
    message = "",
    options: { readonly afterMs?: number | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options);
    const { afterMs } = options;
    if (afterMs !== undefined && !(afterMs >= 0 && Number.isFinite(afterMs))) {
      throw new RangeError(`afterMs is ${afterMs}, expected milliseconds from 0`);
    }
    this.afterMs = afterMs;
  }
}

/** Park the event, without another attempt; the message is the reason. As `Retry`. */
export class Park extends Error {
  static {
    Park.prototype.name = "Park";
  }
}

/** Nothing is to be done about the event: it counts as finished. As `Retry`. */
export class Skip extends Error {
  static {
    Skip.prototype.name = "Skip";
  }
}

/** Whether it decides what becomes of an event, rather than being a failure. */
export function isDecision(value: unknown): value is Retry | Park | Skip {
  return value instanceof Retry || value instanceof Park || value instanceof Skip;
}

/** What a handler may know of the delivery of its event. */
export interface DeliveryContext {
  readonly event: RecordedEvent;

  /** Names this delivery, among all deliveries of all members. */
  readonly deliveryId: string;

  /** 1 at first; failed attempts are counted. */
  readonly attempt: number;

  /** It was parked, and is replayed: later events of its aggregate may have been handled before. */
  readonly replayed: boolean;

  /**
   * Aborted when the delivery is lost (the stream broke, the consumer was reset, stopping took too
   * long), or the handler's time is over: what the handler makes of it does not count any more, and
   * somebody else may have it.
   */
  readonly signal: AbortSignal;
}

/** Who has a delivery: takes its answer, and says whether it was stored. */
export interface Holder {
  answer(delivery: Delivery, answer: NonNullable<DeliveryAnswer["answer"]>): Promise<boolean>;
  renew(delivery: Delivery): void;
}

/**
 * An event that is to be worked on, and then answered, once: by `ack`, `nack` or `release`.
 *
 * They resolve when the server has stored the answer, with true. They resolve with false when it does
 * not count (the lease had run out) or nobody knows (the connection broke): the event is or may be
 * delivered again. They never reject. A second answer changes nothing, and resolves as the first.
 */
export class Delivery implements DeliveryContext {
  readonly event: RecordedEvent;
  readonly deliveryId: string;
  readonly attempt: number;
  readonly replayed: boolean;

  readonly #holder: Holder;
  #loss: AbortController | undefined;
  #lossReason: EverlogError | undefined;
  #overtime: Error | undefined;
  #answered: Promise<boolean> | undefined;

  constructor({ event, deliveryId, attempt, replayed }: DeliveryMessage, holder: Holder) {
    this.event = new RecordedEvent(event as NonNullable<typeof event>);
    this.deliveryId = deliveryId;
    this.attempt = attempt;
    this.replayed = replayed;
    this.#holder = holder;
  }

  /** Aborted when the delivery is lost: its answer would not count. */
  get signal(): AbortSignal {
    if (this.#loss === undefined) {
      this.#loss = new AbortController();
      const reason = this.#overtime ?? this.#lossReason;
      if (reason !== undefined) {
        this.#loss.abort(reason);
      }
    }
    return this.#loss.signal;
  }

  /** Why it is not this member's any more; undefined while it is. */
  get loss(): EverlogError | undefined {
    return this.#lossReason;
  }

  /** The event is finished. */
  ack(): Promise<boolean> {
    return this.#answer({ $case: "ack", value: {} });
  }

  /**
   * The event failed, and is tried again after the consumer's back-off; `why` is kept with it. A
   * `Retry`, `Park` or `Skip` decides otherwise.
   */
  nack(why: unknown = ""): Promise<boolean> {
    return this.#answer({ $case: "nack", value: toNack(why) });
  }

  /** The event was not begun: it is delivered again, soon, and no attempt is counted. */
  release(): Promise<boolean> {
    return this.#answer({ $case: "release", value: {} });
  }

  /** The member is still at it: the lease begins anew. */
  inProgress(): void {
    if (this.#answered === undefined && this.loss === undefined) {
      this.#holder.renew(this);
    }
  }

  /** For the holder: it is lost, for this reason. */
  lose(reason: EverlogError): void {
    this.#lossReason ??= reason;
    this.#loss?.abort(this.#lossReason);
  }

  /** For whoever calls its handler, which has had its time: the event has failed. */
  timeOut(reason: Error): void {
    void this.nack(reason); // before an abort that a listener may answer by throwing
    this.#overtime = reason;
    this.#loss?.abort(reason);
  }

  #answer(answer: NonNullable<DeliveryAnswer["answer"]>): Promise<boolean> {
    this.#answered ??= this.#holder.answer(this, answer);
    return this.#answered;
  }
}

function toNack(why: unknown): Nack {
  const error = errorText(why);
  if (why instanceof Park) {
    return { error, action: { $case: "park", value: {} } };
  }
  if (why instanceof Skip) {
    return { error: "", action: { $case: "skip", value: {} } };
  }
  if (why instanceof Retry && why.afterMs !== undefined) {
    const action: Nack["action"] =
      why.afterMs === 0
        ? { $case: "retryNow", value: {} }
        : { $case: "retryAfter", value: toDuration(why.afterMs) };
    return { error, action };
  }
  return { error, action: undefined };
}

/** What is said of a failure: of a decision its message alone. */
function errorText(why: unknown): string {
  let text: string;
  try {
    if (why instanceof Retry && why.message === "") {
      text = why.cause === undefined ? "the handler asks for another attempt" : String(why.cause);
    } else {
      text = isDecision(why) ? why.message : String(why);
    }
  } catch {
    text = "a failure that has no text"; // such as an object without a prototype
  }
  return text.slice(0, ERROR_CHARACTERS_MAX).toWellFormed();
}
