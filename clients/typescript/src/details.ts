/** What a failed call says besides its code, reason and message. */

import type { AggregateKey } from "./aggregates.js";
import type { Expected } from "./expectations.js";

/** One field of a request that was refused, such as `events[3].event_type`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** One expectation that did not hold. */
export interface SequenceViolation {
  readonly aggregate: AggregateKey;
  readonly expected: Exclude<Expected, number>;

  /** The aggregate's last sequence; 0n when it has no events. */
  readonly actual: bigint;
}

/** An event of the request that the log has, or whose key or id it has. */
export interface KnownEvent {
  /** Its index in the request, from 0. */
  readonly index: number;

  readonly idempotencyKey: string;
  readonly eventId: string;
}
