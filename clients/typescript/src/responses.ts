/** The messages of a server's stream, one at a time, and then why there are no more. */

import type { ServiceError } from "@grpc/grpc-js";

import { ConnectionLost, type EverlogError } from "./errors.js";
import { errorFromCall } from "./status.js";

/** What is needed of a gRPC call whose answers are a stream. */
export interface ResponseStream<Response> {
  on(event: "error", listener: (failure: ServiceError) => void): unknown;
  on(event: "readable" | "end", listener: () => void): unknown;
  read(): Response | null;
  cancel(): void;
}

/**
 * Reads a call's responses; one reader at a time.
 *
 * A failure is told only after every message that had arrived before it: grpc-js emits `error` while
 * messages may still be waiting in the stream's buffer, and an answer that is here must not be taken
 * for one that is lost.
 */
export class Responses<Response> {
  readonly #call: ResponseStream<Response>;
  #wake: () => void = () => {};
  #ended = false;
  #failure: EverlogError | undefined;

  constructor(call: ResponseStream<Response>) {
    this.#call = call;
    // This listener stays for good: an `error` that nobody listens to would end the process.
    call.on("error", (failure) => {
      this.#failure ??= errorFromCall(failure);
      this.#end();
    });
    call.on("end", () => this.#end());
    call.on("readable", () => this.#wake());
  }

  /** Why the stream ended; undefined while it has not, and when the server ended it in peace. */
  get failure(): EverlogError | undefined {
    return this.#failure;
  }

  /**
   * The next message, or undefined at the end. A silence of more than `silenceMs` is an end too: the
   * failure is then a ConnectionLost.
   */
  async next(silenceMs = Number.POSITIVE_INFINITY): Promise<Response | undefined> {
    for (;;) {
      const response = this.#call.read();
      if (response !== null) {
        return response;
      }
      if (this.#ended) {
        return undefined;
      }
      await this.#change(silenceMs);
    }
  }

  /** Ends the call; whoever waits for a message is told of the end. */
  cancel(): void {
    this.#end();
    this.#call.cancel();
  }

  #change(silenceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const silence = Number.isFinite(silenceMs)
        ? setTimeout(() => {
            this.#failure ??= new ConnectionLost({
              message: `not even a heartbeat came for ${silenceMs / 1000} s`,
            });
            this.cancel();
          }, silenceMs)
        : undefined;
      this.#wake = () => {
        clearTimeout(silence);
        this.#wake = () => {};
        resolve();
      };
    });
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }
}
