/** What a writer expects of aggregates at the moment of an append. */

import { type AggregateKey, toAggregateMessage } from "./aggregates.js";
import type { ExpectedSequence } from "./generated/everlog/v1/event_store.js";
import { type Integer, toInt64 } from "./integers.js";

/** An aggregate's last sequence exactly (0: it has no events), or whether it has events at all. */
export type Expected = Integer | "mustNotExist" | "mustExist";

/** What is expected of one aggregate. */
export interface Expectation {
  readonly aggregate: AggregateKey;
  readonly expected: Expected;
}

/** One expectation of the aggregate that the events are about, or several, each by its aggregate. */
export type Expectations = Expected | readonly Expectation[];

/** Says in words what was expected. */
export function describe(expected: Expected): string {
  switch (expected) {
    case "mustNotExist":
      return "it not to exist";
    case "mustExist":
      return "it to exist";
    default:
      return String(expected);
  }
}

/**
 * Encodes expectations; `written` are the aggregates of the events. Throws TypeError when a single
 * expectation could be of several aggregates.
 */
export function toExpectationMessages(
  expect: Expectations | undefined,
  written: readonly AggregateKey[],
): ExpectedSequence[] {
  if (expect === undefined) {
    return [];
  }
  if (Array.isArray(expect)) {
    return (expect as readonly Expectation[]).map(toMessage);
  }
  const [only] = written;
  if (only === undefined || written.some(([type, id]) => type !== only[0] || id !== only[1])) {
    throw new TypeError("several aggregates are written: say what is expected of each of them");
  }
  return [toMessage({ aggregate: only, expected: expect as Expected })];
}

function toMessage({ aggregate, expected }: Expectation): ExpectedSequence {
  return { aggregate: toAggregateMessage(aggregate), expected: toOneof(expected) };
}

function toOneof(expected: Expected): ExpectedSequence["expected"] {
  switch (expected) {
    case "mustNotExist":
      return { $case: "mustNotExist", value: {} };
    case "mustExist":
      return { $case: "mustExist", value: {} };
    default:
      return { $case: "exactly", value: toInt64(expected, "the expected sequence") };
  }
}
