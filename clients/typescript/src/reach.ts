/**
 * Whether a client has ever been connected to its server.
 *
 * Until it has, the address may be wrong or nobody be there: what waits is given up after the connect
 * timeout. Later a server that is away is expected back, and is waited for as long as each call
 * allows.
 */

import { type Client, connectivityState } from "@grpc/grpc-js";

import { type Address, targetOf } from "./address.js";
import { ConnectionLost, type EverlogError } from "./errors.js";
import { TIMER_MS_MAX } from "./waiting.js";

type Channel = ReturnType<Client["getChannel"]>;

/** What is known of the way to one server. Deadlines are on the clock of `performance.now()`. */
export class Reach {
  readonly #channel: Channel;
  readonly #address: Address;
  readonly #timeoutMs: number;
  #noted = false;

  constructor(channel: Channel, address: Address, timeoutMs: number) {
    this.#channel = channel;
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** Keeps in mind that the server has answered. */
  note(): void {
    this.#noted = true;
  }

  /** Whether the client is, or has been, connected. */
  get isConnected(): boolean {
    this.#noted ||= this.#channel.getConnectivityState(false) === connectivityState.READY;
    return this.#noted;
  }

  /** When a search that begins now is given up; Infinity: never. */
  deadline(): number {
    return this.isConnected ? Number.POSITIVE_INFINITY : performance.now() + this.#timeoutMs;
  }

  /** Whether a search with this deadline is to be given up now, or by then. */
  isOver(deadline: number, afterMs = 0): boolean {
    return deadline <= performance.now() + afterMs && !this.isConnected;
  }

  /** Waits until there is a connection or an attempt has failed, at most until the deadline. */
  async awaitAttempt(deadline: number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const state = this.#channel.getConnectivityState(true);
      const leftMs = deadline - performance.now();
      const undecided = state === connectivityState.IDLE || state === connectivityState.CONNECTING;
      if (!undecided || leftMs <= 0) {
        return;
      }
      await this.#change(state, leftMs, signal);
    }
  }

  #change(state: connectivityState, waitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const aborted = (): void => reject(signal?.reason);
      signal?.addEventListener("abort", aborted, { once: true });
      const until = Date.now() + Math.min(waitMs, TIMER_MS_MAX);
      this.#channel.watchConnectivityState(state, until, () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      });
    });
  }

  /** The error that says so; `last` is what went wrong with the latest attempt. */
  failure(last: EverlogError | undefined): ConnectionLost {
    const seconds = this.#timeoutMs / 1000;
    const message = `no server could be reached at ${targetOf(this.#address)} within ${seconds} s`;
    return new ConnectionLost({ message: last ? `${message}: ${last.message}` : message });
  }
}
