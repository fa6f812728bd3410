/**
 * When to try again, and how soon: decisions only, without clocks, timers or connections.
 *
 * What may be repeated follows from what the contract says of each reason:
 *
 * - `STORAGE_UNAVAILABLE`, `SERVER_DRAINING`, `OVERLOADED`: nothing was stored. Anybody may try again.
 * - a lost connection, `COMMIT_UNKNOWN`: the events may be stored. Only who can be recognised (every
 *   event carries an idempotency key or a chosen id) may try again.
 * - everything else is an answer, not an interruption.
 */

import {
  type EverlogError,
  Overloaded,
  ServerDraining,
  StorageUnavailable,
  TooManyMembers,
  TooManySubscriptions,
  Unavailable,
} from "./errors.js";

/** How long to wait before the n-th attempt: growing, capped, with jitter. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;

  /** Below 2, so that whoever was away is found again within half of its absence. */
  readonly multiplier: number;
}

export const DEFAULT_BACKOFF: Backoff = { initialMs: 100, maxMs: 5000, multiplier: 1.5 };

/**
 * Says how long to wait, in milliseconds, after so many failures in a row (from 1).
 *
 * Between half and all of the grown wait, so that clients do not return in step; not less than the
 * server asked for, even beyond the cap.
 */
export function backoffMs(
  backoff: Backoff,
  failures: number,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const grown = backoff.initialMs * backoff.multiplier ** (failures - 1);
  return Math.max(Math.min(grown, backoff.maxMs) * (0.5 + random() / 2), retryAfterMs);
}

/** Whether an emit that failed so may be sent again; `recognisable`: the log would know it. */
export function emitMayBeRetried(error: EverlogError, recognisable: boolean): boolean {
  if (
    error instanceof StorageUnavailable ||
    error instanceof ServerDraining ||
    error instanceof Overloaded
  ) {
    return true;
  }
  return recognisable && (error instanceof Unavailable || wasCutOff(error));
}

/** Whether a read that failed so may be sent again. */
export function readMayBeRetried(error: EverlogError): boolean {
  // Not after INTERNAL, with which gRPC also ends what can never succeed.
  const wasCancelled = wasCutOff(error) && error.code === "CANCELLED";
  return error instanceof Unavailable || error instanceof Overloaded || wasCancelled;
}

/** Whether a subscription that ended so goes on from its cursor, rather than being over. */
export function subscriptionMayBeResumed(error: EverlogError): boolean {
  const isFull = error instanceof Overloaded || error instanceof TooManySubscriptions;
  return error instanceof Unavailable || isFull || wasCutOff(error);
}

/** Whether a member whose stream ended so joins its consumer again, rather than being over. */
export function membershipMayBeResumed(error: EverlogError): boolean {
  const isFull = error instanceof Overloaded || error instanceof TooManyMembers;
  return error instanceof Unavailable || isFull || wasCutOff(error);
}

/** Whether something on the way ended the call: everlog itself always gives a reason. */
function wasCutOff(error: EverlogError): boolean {
  return error.reason === "" && (error.code === "CANCELLED" || error.code === "INTERNAL");
}
