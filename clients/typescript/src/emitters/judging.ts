/** Whether a failure is the fault of the events that were sent, or of the moment. */

import { AlreadyExists, type Code, EverlogError, InvalidArgument } from "../errors.js";
import { emitMayBeRetried } from "../retry.js";

/**
 * `refused`: these events will never be stored. `wait`: they may be, later: a server that is away,
 * but also a token that has expired or a proxy that leads elsewhere for a while. `unclear`: it may
 * be either; what stays so is taken for the events' fault, or one event could hold up all others.
 */
export type Verdict = "refused" | "wait" | "unclear";

const UNCLEAR_CODES: ReadonlySet<Code> = new Set([
  "ABORTED",
  "DATA_LOSS",
  "FAILED_PRECONDITION",
  "INTERNAL",
  "OUT_OF_RANGE",
  "RESOURCE_EXHAUSTED",
  "UNKNOWN",
]);

/** Judges what an emit failed with. */
export function judge(error: unknown): Verdict {
  if (!(error instanceof EverlogError)) {
    return "refused"; // of arguments that cannot even be sent
  }
  if (error instanceof InvalidArgument || error instanceof AlreadyExists) {
    return "refused";
  }
  return UNCLEAR_CODES.has(error.code) && !emitMayBeRetried(error, true) ? "unclear" : "wait";
}
