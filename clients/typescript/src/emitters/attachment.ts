/** One emitter that is listened to, and the events of it that are on their way to the log. */

import { errorMonitor } from "node:events";

import type { NewEvent } from "../events.js";
import type { Complaints } from "./complaints.js";
import { isChunk, type Mapping } from "./mapping.js";
import type { Outbox } from "./outbox.js";

const FLUSH_MS = 10_000;

/** What is needed of an emitter: Node's `EventEmitter` has it, also with typed events. */
export interface Emitter {
  // biome-ignore lint/suspicious/noExplicitAny: an emitter's own types of its listeners are not ours
  prependListener(name: string | symbol, listener: (...given: any[]) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  removeListener(name: string | symbol, listener: (...given: any[]) => void): unknown;
  // biome-ignore lint/complexity/noBannedTypes: so Node calls it
  listeners(name: string | symbol): Function[];
}

/** What became of the events that were emitted since attaching; the five add up to their number. */
export interface AttachmentStats {
  /** Appended to the log. */
  readonly stored: number;

  /** Found in the log, under the same key with the same content. */
  readonly deduplicated: number;

  /** Not taken, because the buffer was full. */
  readonly dropped: number;

  /** No JSON can be made of them, or the server refused them for good. */
  readonly failed: number;

  /** Not answered yet. */
  readonly buffered: number;
}

/** What is left when an attachment is closed. */
export interface CloseReport {
  readonly stats: AttachmentStats;

  /**
   * What was not stored in time, in order. With their keys it is safe to emit them later, also those
   * that have arrived after all.
   */
  readonly unstored: readonly NewEvent[];
}

/** What an attachment is made of; see `PersistOptions`. */
export interface AttachmentSettings {
  readonly channels: readonly string[];
  readonly chunks: boolean;
  readonly onDropped: ((event: unknown, channel: string) => void) | undefined;
}

/** Made by `persistEvents`: what is emitted goes to the log until it is detached or closed. */
export class Attachment implements AsyncDisposable {
  readonly #emitter: Emitter;
  readonly #settings: AttachmentSettings;
  readonly #mapping: Mapping;
  readonly #outbox: Outbox;
  readonly #complaints: Complaints;
  readonly #forget: () => void;
  readonly #listeners = new Map<string | symbol, (event: unknown) => void>();
  #dropped = 0;
  #unmappable = 0;
  #telling = false;
  #closing: Promise<CloseReport> | undefined;

  /** `forget` is called when it is closed: the next attachment will be a new one. */
  constructor(
    emitter: Emitter,
    settings: AttachmentSettings,
    parts: { mapping: Mapping; outbox: Outbox; complaints: Complaints; forget: () => void },
  ) {
    this.#emitter = emitter;
    this.#settings = settings;
    this.#mapping = parts.mapping;
    this.#outbox = parts.outbox;
    this.#complaints = parts.complaints;
    this.#forget = parts.forget;
    for (const channel of settings.channels) {
      // To listen to `error` itself would keep an error that nobody handles from being thrown.
      const name = channel === "error" ? errorMonitor : channel;
      this.#listeners.set(name, (event) => this.#take(channel, event));
    }
  }

  /**
   * Listens, where it does not do so already.
   *
   * Before all others: an event that a listener emits while it handles one comes after it in the log,
   * as it did in time; and a listener that throws keeps nothing from being stored. Once closed, never.
   */
  attach(): void {
    if (this.#closing !== undefined) {
      return;
    }
    for (const [name, listener] of this.#listeners) {
      if (!this.#emitter.listeners(name).includes(listener)) {
        this.#emitter.prependListener(name, listener);
      }
    }
  }

  /** Stops listening. What is buffered still goes out. */
  detach(): void {
    for (const [name, listener] of this.#listeners) {
      this.#emitter.removeListener(name, listener);
    }
  }

  /**
   * Waits for everything that has been emitted so far: true when all of it is stored (or refused for
   * good), false when `timeoutMs` are over first.
   */
  flush(timeoutMs: number = FLUSH_MS): Promise<boolean> {
    return this.#outbox.flush(timeoutMs);
  }

  /** Detaches, waits as `flush` does, then gives up what is left and tells what that is. */
  close(timeoutMs: number = FLUSH_MS): Promise<CloseReport> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Counts since attaching. */
  get stats(): AttachmentStats {
    const { stored, deduplicated, refused, buffered } = this.#outbox.counts;
    const failed = this.#unmappable + refused;
    return { stored, deduplicated, dropped: this.#dropped, failed, buffered };
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    this.detach();
    this.#forget();
    this.#outbox.hurry();
    await this.#outbox.flush(timeoutMs);
    const unstored = this.#outbox.end();
    if (unstored.length > 0) {
      this.#complaints.say("closed", () => `closed with ${unstored.length} events not stored`);
    }
    return { stats: this.stats, unstored };
  }

  /** Runs within `emit`: returns soon, and never throws. */
  #take(channel: string, emitted: unknown): void {
    try {
      if (!this.#settings.chunks && isChunk(channel, emitted)) {
        return;
      }
      // Before any work is done on it: who is overrun has no time to lose.
      if (this.#outbox.full || !this.#outbox.add(this.#mapping.map(channel, emitted))) {
        this.#drop(channel, emitted);
      }
    } catch (error) {
      this.#unmappable += 1;
      this.#complaints.say("unmappable", () => `a ${channel} event cannot be stored: ${error}`);
    }
  }

  #drop(channel: string, emitted: unknown): void {
    this.#dropped += 1;
    this.#complaints.say("dropped", () => {
      const { buffered, bufferedBytes } = this.#outbox.counts;
      const wait = `${buffered} events (${bufferedBytes} bytes) wait, and there is no room for more`;
      return `dropped a ${channel} event, ${this.#dropped} in all: ${wait}`;
    });
    const { onDropped } = this.#settings;
    // Whoever emits an event about it would be told that it is dropped, too, and so on.
    if (onDropped !== undefined && !this.#telling) {
      this.#telling = true;
      try {
        onDropped(emitted, channel);
      } catch (error) {
        this.#complaints.say("onDropped", () => `onDropped failed: ${error}`);
      } finally {
        this.#telling = false;
      }
    }
  }
}
