/** What a log is told of failures: the first of a kind at once, then one line in a while. */

/** Where failures are told; `console` is one, and so are pino's and winston's loggers. */
export interface Logger {
  warn(message: string): void;
}

/** Of one kind, at most one line in this time. */
const INTERVAL_MS = 10_000;

interface Kind {
  saidAt: number;
  unsaid: number;
}

/** Says what goes wrong, without ever throwing and without flooding the log. */
export class Complaints {
  readonly #logger: Logger;
  readonly #subject: string;
  readonly #kinds = new Map<string, Kind>();

  /** `subject`: what the lines are about. */
  constructor(logger: Logger, subject: string) {
    this.#logger = logger;
    this.#subject = subject;
  }

  /** Says it, or counts it for the next line of its kind. */
  say(kind: string, message: () => string): void {
    const now = performance.now();
    const last = this.#kinds.get(kind);
    if (last !== undefined && now - last.saidAt < INTERVAL_MS) {
      last.unsaid += 1;
      return;
    }
    this.#kinds.set(kind, { saidAt: now, unsaid: 0 });
    const more = last?.unsaid ? ` (and ${last.unsaid} more like it since the last such line)` : "";
    try {
      this.#logger.warn(`everlog: ${this.#subject}: ${message()}${more}`);
    } catch {
      // A logger that fails has nobody to be told to, and whoever emitted must not be the one.
    }
  }
}
