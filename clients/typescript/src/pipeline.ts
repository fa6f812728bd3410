/**
 * One EmitStream for many callers: concurrent emits share messages, each gets its own answer.
 *
 *     submit ──▶ queue (by number) ──▶ in flight (by number) ──▶ answer
 *                      ▲                       │
 *                      └── may be retried ─────┘  refused for now, or the stream broke
 *
 * Invariants:
 *
 * - An emit's number is its `request_id` for good, and the queue gives out the lowest number first:
 *   what is sent again goes before what was never sent, in the order of submission.
 * - Nothing waits for company. What was submitted while a message was being written, or in the same
 *   turn of the event loop, travels in one message.
 * - At most `IN_FLIGHT_BYTES_MAX` are unanswered, except for one larger emit alone.
 * - Every emit ends in exactly one of: receipts, an error of its own, or its caller's abort.
 */

import type { EmitCall } from "./connection.js";
import { ConnectionLost, DeadlineExceeded, type EverlogError } from "./errors.js";
import {
  type EmitRequest,
  EmitStreamRequest,
  type EmitStreamResponse,
} from "./generated/everlog/v1/event_store.js";
import type { Reach } from "./reach.js";
import { Receipt } from "./recorded.js";
import { Responses } from "./responses.js";
import { type Backoff, backoffMs, emitMayBeRetried } from "./retry.js";
import { errorFromStatus } from "./status.js";
import { TIMER_MS_MAX } from "./waiting.js";

const MESSAGE_EMITS_MAX = 1_000;
const MESSAGE_BYTES_MAX = 1024 * 1024;
const IN_FLIGHT_EMITS_MAX = 5_000; // half of a server's append queue, at its default
const IN_FLIGHT_BYTES_MAX = 4 * 1024 * 1024;

/** How one emit is to be treated. */
export interface EmitLimits {
  /** The log would recognise it, so it may be sent twice. */
  readonly recognisable: boolean;

  /** Infinity: no bound. */
  readonly timeoutMs: number;

  /** Aborting withdraws what is not sent yet; of what is, nobody will be told what becomes of it. */
  readonly signal?: AbortSignal | undefined;
}

/** An emit that has no answer yet. */
interface Emit {
  readonly number: number;

  /** An EmitStreamRequest with this emit alone: messages are made by joining frames. */
  readonly frame: Uint8Array;

  readonly recognisable: boolean;

  /** On the clock of `performance.now()`. */
  readonly deadline: number;

  /** By then there must be a first connection. */
  readonly searchDeadline: number;

  readonly resolve: (receipts: Receipt[]) => void;
  readonly reject: (error: unknown) => void;
  done: boolean;
  lastError?: EverlogError;
}

/** Sends emits over one EmitStream, opening a new one when it breaks; see the module. */
export class EmitPipeline {
  readonly #openCall: () => EmitCall;
  readonly #reach: Reach;
  readonly #backoff: Backoff | undefined;
  readonly #inFlight = new Map<number, Emit>();
  #queue: Emit[] = [];
  #inFlightBytes = 0;
  #lastNumber = 0;
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  // One timer for all, set to the earliest deadline that was seen since it last went off.
  #expiry: NodeJS.Timeout | undefined;
  #expiryAt = Number.POSITIVE_INFINITY;
  #call: EmitCall | undefined;
  #responses: Responses<EmitStreamResponse> | undefined;
  #sendIsDue = false;
  #writing = false;
  #closed = false;

  constructor(openCall: () => EmitCall, reach: Reach, backoff: Backoff | undefined) {
    this.#openCall = openCall;
    this.#reach = reach;
    this.#backoff = backoff;
  }

  /** Queues a request; the promise gives its receipts, or rejects with its EverlogError. */
  submit(request: EmitRequest, limits: EmitLimits): Promise<Receipt[]> {
    const { recognisable, timeoutMs, signal } = limits;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      if (this.#closed) {
        reject(new ConnectionLost({ message: "the client is closed" }));
        return;
      }
      const number = ++this.#lastNumber;
      const emits = [{ requestId: BigInt(number), request }];
      const emit: Emit = {
        number,
        frame: EmitStreamRequest.encode({ emits }).finish(),
        recognisable,
        deadline: performance.now() + timeoutMs,
        searchDeadline: this.#reach.deadline(),
        resolve,
        reject,
        done: false,
      };
      const settled = signal ? watch(signal, emit) : emit;
      this.#queue.push(settled);
      this.#expireBy(Math.min(settled.deadline, settled.searchDeadline));
      this.#sendSoon();
    });
  }

  /** Ends the stream. Emits without an answer fail with ConnectionLost. */
  close(): void {
    this.#closed = true;
    this.#responses?.cancel();
    clearTimeout(this.#pause);
    clearTimeout(this.#expiry);
    const message = "the client was closed before the answer came";
    for (const emit of [...this.#inFlight.values(), ...this.#queue]) {
      refuse(emit, new ConnectionLost({ message }));
    }
    this.#inFlight.clear();
    this.#queue = [];
  }

  #sendSoon(): void {
    if (!this.#sendIsDue) {
      this.#sendIsDue = true;
      // At the end of this turn of the loop: whoever else emits in it comes along.
      setImmediate(() => {
        this.#sendIsDue = false;
        this.#send();
      });
    }
  }

  #send(): void {
    if (this.#closed || this.#writing || this.#pause !== undefined) {
      return; // the end of what keeps it calls again
    }
    const message = this.#nextMessage();
    if (message === undefined) {
      return;
    }
    const call = this.#call ?? this.#open();
    this.#writing = true;
    call.write(message, () => {
      if (call === this.#call) {
        this.#writing = false;
        this.#send();
      }
    });
  }

  #open(): EmitCall {
    const call = this.#openCall();
    this.#call = call;
    this.#responses = new Responses<EmitStreamResponse>(call);
    void this.#receive(this.#responses);
    return call;
  }

  /** Hands out answers until the stream ends, then settles what it left without one. */
  async #receive(responses: Responses<EmitStreamResponse>): Promise<void> {
    let response: EmitStreamResponse | undefined;
    while ((response = await responses.next()) !== undefined) {
      this.#take(response);
    }
    responses.cancel();
    if (this.#closed) {
      return;
    }
    this.#call = this.#responses = undefined;
    this.#writing = false;
    const lost = "the server ended the stream without a reason";
    const error = responses.failure ?? new ConnectionLost({ message: lost });
    const unanswered = [...this.#inFlight.values()];
    this.#inFlight.clear();
    this.#inFlightBytes = 0;
    this.#retryOrRefuse(unanswered.map((emit) => [emit, error]));
    this.#goOn();
  }

  #take(response: EmitStreamResponse): void {
    this.#reach.note();
    const refused: [Emit, EverlogError][] = [];
    for (const { requestId, answer } of response.answers) {
      const emit = this.#inFlight.get(Number(requestId));
      if (emit === undefined || answer === undefined) {
        continue; // an answer to nobody: there is nobody to tell
      }
      this.#inFlight.delete(emit.number);
      this.#inFlightBytes -= emit.frame.length;
      if (answer.$case === "response") {
        this.#failures = 0;
        emit.done = true;
        emit.resolve(answer.value.receipts.map((receipt) => new Receipt(receipt)));
      } else {
        refused.push([emit, errorFromStatus(answer.value)]);
      }
    }
    this.#retryOrRefuse(refused);
    this.#goOn();
  }

  #goOn(): void {
    if (this.#queue.length > 0) {
      this.#sendSoon();
    } else if (this.#inFlight.size === 0) {
      this.#stopExpiry(); // it would keep the process alive
    }
  }

  /** Moves emits from the queue to those in flight, as many as one message may have. */
  #nextMessage(): Uint8Array | undefined {
    const frames: Uint8Array[] = [];
    let size = 0;
    let taken = 0;
    for (const emit of this.#queue) {
      if (!emit.done) {
        const { length } = emit.frame;
        const full = frames.length > 0 && size + length > MESSAGE_BYTES_MAX;
        if (full || frames.length === MESSAGE_EMITS_MAX || !this.#hasRoom(length)) {
          break;
        }
        this.#inFlight.set(emit.number, emit);
        this.#inFlightBytes += length;
        size += length;
        frames.push(emit.frame);
      }
      taken++;
    }
    this.#queue.splice(0, taken);
    // Serialized messages of one type, joined, are the serialized merge of them: repeated fields
    // follow each other (protobuf's encoding guide, "Last One Wins").
    return frames.length > 1 ? Buffer.concat(frames, size) : frames[0];
  }

  #hasRoom(size: number): boolean {
    return (
      this.#inFlight.size === 0 ||
      (this.#inFlight.size < IN_FLIGHT_EMITS_MAX &&
        this.#inFlightBytes + size <= IN_FLIGHT_BYTES_MAX)
    );
  }

  #retryOrRefuse(failed: readonly (readonly [Emit, EverlogError])[]): void {
    const retried: Emit[] = [];
    for (const [emit, error] of failed) {
      emit.lastError = error;
      if (this.#backoff === undefined || !emitMayBeRetried(error, emit.recognisable)) {
        // One failure may end many emits: each caller gets an error of its own.
        refuse(emit, error.copy());
      } else if (!emit.done) {
        retried.push(emit);
        this.#holdBack(this.#backoff, error);
      }
    }
    if (retried.length > 0) {
      this.#queue = [...retried, ...this.#queue].sort((one, other) => one.number - other.number);
    }
  }

  /** Holds everything back for a while: what failed now would fail for the next emit, too. */
  #holdBack(backoff: Backoff, error: EverlogError): void {
    if (this.#pause === undefined) {
      this.#failures += 1;
      this.#pause = setTimeout(
        () => {
          this.#pause = undefined;
          this.#send();
        },
        backoffMs(backoff, this.#failures, error.retryAfterMs),
      );
    } // else: another refusal out of the same misfortune
  }

  #expireBy(deadline: number): void {
    if (deadline < this.#expiryAt) {
      clearTimeout(this.#expiry);
      this.#expiryAt = deadline;
      const waitMs = Math.min(Math.max(deadline - performance.now(), 0), TIMER_MS_MAX);
      this.#expiry = setTimeout(() => this.#expireOverdue(), Math.ceil(waitMs));
    }
  }

  #expireOverdue(): void {
    this.#stopExpiry();
    const now = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const emit of [...this.#inFlight.values(), ...this.#queue]) {
      if (emit.done) {
        continue;
      }
      if (emit.deadline <= now) {
        const silence = new DeadlineExceeded({ message: "no answer came in time" });
        refuse(emit, emit.lastError?.copy() ?? silence);
      } else if (this.#reach.isOver(emit.searchDeadline)) {
        refuse(emit, this.#reach.failure(emit.lastError));
      } else {
        const connected = this.#reach.isConnected;
        earliest = Math.min(earliest, emit.deadline, connected ? earliest : emit.searchDeadline);
      }
    }
    this.#expireBy(earliest);
  }

  #stopExpiry(): void {
    clearTimeout(this.#expiry);
    this.#expiryAt = Number.POSITIVE_INFINITY;
  }
}

function refuse(emit: Emit, error: unknown): void {
  if (!emit.done) {
    emit.done = true;
    emit.reject(error);
  }
}

/** Lets go of an emit when the signal is aborted, and of the signal when the emit has ended. */
function watch(signal: AbortSignal, emit: Emit): Emit {
  const aborted = (): void => refuse(watched, signal.reason);
  const watched: Emit = {
    ...emit,
    resolve: (receipts) => {
      signal.removeEventListener("abort", aborted);
      emit.resolve(receipts);
    },
    reject: (error) => {
      signal.removeEventListener("abort", aborted);
      emit.reject(error);
    },
  };
  signal.addEventListener("abort", aborted, { once: true });
  return watched;
}
