/** Times between JavaScript and the wire. */

import type { Duration } from "./generated/google/protobuf/duration.js";
import type { Timestamp } from "./generated/google/protobuf/timestamp.js";

/**
 * A moment. A Date has milliseconds, the log has microseconds: to name a moment of the log exactly,
 * pass on the Timestamp of a message (`event.message.recordTime`).
 */
export type Time = Date | Timestamp;

/** Encodes a time. Throws RangeError, naming what it is, for an invalid Date. */
export function toTimestamp(time: Time, name: string): Timestamp {
  if (!(time instanceof Date)) {
    return time;
  }
  const milliseconds = time.getTime();
  if (Number.isNaN(milliseconds)) {
    throw new RangeError(`${name} is an invalid Date`);
  }
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

/** Decodes a time; what is finer than a millisecond is cut off. */
export function toDate(timestamp: Timestamp): Date {
  return new Date(Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1_000_000));
}

/** Encodes a span of time. */
export function toDuration(milliseconds: number): Duration {
  const seconds = Math.floor(milliseconds / 1000);
  return {
    seconds: BigInt(seconds),
    nanos: Math.floor((milliseconds - seconds * 1000) * 1_000_000),
  };
}

/** Decodes a span of time. */
export function toMilliseconds({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1_000_000;
}
