/** Positions and sequences: 64-bit on the wire, `bigint` in what is given back. */

/** A position or a sequence as a caller may write it; a `number` must be a safe integer. */
export type Integer = bigint | number;

const INT64_MAX = 2n ** 63n - 1n;

/** Encodes an integer from 0 to 2^63 - 1. Throws RangeError, naming what it is, for any other. */
export function toInt64(value: Integer, name: string): bigint {
  if (typeof value === "bigint" ? value >= 0n && value <= INT64_MAX : isCount(value)) {
    return BigInt(value);
  }
  throw new RangeError(`${name} is ${value}, expected an integer from 0 to 2^63 - 1 (exact)`);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
