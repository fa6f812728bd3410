import assert from "node:assert/strict";
import { test } from "node:test";

import * as everlog from "../src/index.js";
import {
  backoffMs,
  DEFAULT_BACKOFF,
  emitMayBeRetried,
  readMayBeRetried,
  subscriptionMayBeResumed,
} from "../src/retry.js";

const NOT_BEGUN = new everlog.EverlogError({ code: "CANCELLED", reason: "" });
const CUT_BY_A_PROXY = new everlog.InternalError({ code: "INTERNAL", reason: "" });

/** error, emit without keys, emit with keys, read, subscription */
const DECISIONS: [everlog.EverlogError, boolean, boolean, boolean, boolean][] = [
  // Nothing was stored: anybody may try again.
  [new everlog.StorageUnavailable(), true, true, true, true],
  [new everlog.ServerDraining(), true, true, true, true],
  [new everlog.Overloaded(), true, true, true, true],
  // It may be stored: only who would be recognised.
  [new everlog.ConnectionLost(), false, true, true, true],
  [new everlog.CommitUnknown(), false, true, true, true],
  [new everlog.Unavailable(), false, true, true, true],
  [CUT_BY_A_PROXY, false, true, false, true],
  [NOT_BEGUN, false, true, true, true],
  // Room may come.
  [new everlog.TooManySubscriptions(), false, false, false, true],
  // An answer is not asked for twice.
  [new everlog.SequenceConflict(), false, false, false, false],
  [new everlog.InvalidEvent(), false, false, false, false],
  [new everlog.IdempotencyKeyReused(), false, false, false, false],
  [new everlog.DeadlineExceeded(), false, false, false, false],
  [new everlog.InternalError(), false, false, false, false],
  [new everlog.EventDamaged(), false, false, false, false],
  [new everlog.PermissionDenied(), false, false, false, false],
  [new everlog.ReadTooExpensive(), false, false, false, false],
  // A cursor of another log is told to the caller.
  [new everlog.LogDiverged(), false, false, false, false],
  [new everlog.CursorBeyondHead(), false, false, false, false],
  [new everlog.CursorTrimmed(), false, false, false, false],
];

for (const [error, emit, keyedEmit, read, subscription] of DECISIONS) {
  test(`what may follow ${error.name} (${error.reason || error.code})`, () => {
    assert.deepEqual(
      [
        emitMayBeRetried(error, false),
        emitMayBeRetried(error, true),
        readMayBeRetried(error),
        subscriptionMayBeResumed(error),
      ],
      [emit, keyedEmit, read, subscription],
    );
  });
}

test("waits grow up to the cap", () => {
  const waits = [1, 2, 3, 11, 5000].map((n) => backoffMs(DEFAULT_BACKOFF, n, 0, () => 1));
  assert.deepEqual(waits.map(Math.round), [100, 150, 225, 5000, 5000]);
});

test("jitter takes off up to half", () => {
  assert.equal(
    backoffMs(DEFAULT_BACKOFF, 50, 0, () => 0),
    2500,
  );
  assert.ok(new Set(Array.from({ length: 20 }, () => backoffMs(DEFAULT_BACKOFF, 3))).size > 1);
});

test("a wait is not shorter than the server asked for", () => {
  assert.equal(backoffMs(DEFAULT_BACKOFF, 1, 7000), 7000);
});
