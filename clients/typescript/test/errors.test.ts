import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, type ServiceError, status as Status } from "@grpc/grpc-js";

import { ERRORS_BY_REASON } from "../src/errors.js";
import {
  ErrorReason,
  SequenceConflict_Violation_Expected as Expected,
  KnownEvents,
  SequenceConflict,
} from "../src/generated/everlog/v1/errors.js";
import { BadRequest } from "../src/generated/google/rpc/error_details.js";
import { Status as StatusMessage } from "../src/generated/google/rpc/status.js";
import * as everlog from "../src/index.js";
import { errorFromCall, errorFromStatus } from "../src/status.js";
import { packed, status } from "./scripted-server.js";

const aggregate = { aggregateType: "order", aggregateId: "42" };

test("every reason of the contract has its class", () => {
  const reasons = Object.values(ErrorReason).filter((value) => typeof value === "string");
  const expected = reasons.filter((name) => name !== "UNSPECIFIED" && name !== "UNRECOGNIZED");
  assert.deepEqual(new Set(ERRORS_BY_REASON.keys()), new Set(expected));
});

for (const [reason, kind] of ERRORS_BY_REASON) {
  test(`${reason} has a message, a name and a code of its own`, () => {
    const error = new kind();
    assert.equal(error.reason, reason);
    assert.equal(String(error), `${kind.name}: ${kind.summary}`);
    assert.notEqual(error.code, "UNKNOWN");
    assert.ok(error instanceof everlog.EverlogError && error instanceof Error);
  });
}

test("a sequence conflict lists every violated expectation, beyond 2^53 too", () => {
  const conflict = SequenceConflict.fromPartial({
    violations: [
      {
        aggregate,
        expected: Expected.SEQUENCE,
        expectedSequence: 9007199254740993n,
        actualSequence: 9007199254740995n,
      },
      { aggregate, expected: Expected.NOT_TO_EXIST, actualSequence: 4n },
      { aggregate, expected: Expected.TO_EXIST },
    ],
  });
  const details = [
    packed("everlog.v1.SequenceConflict", SequenceConflict.encode(conflict).finish()),
  ];
  const error = errorFromStatus(status("ABORTED", "SEQUENCE_CONFLICT", { details }));
  assert.ok(error instanceof everlog.SequenceConflict);
  assert.deepEqual(
    error.violations.map(({ expected, actual }) => [expected, actual]),
    [
      [9007199254740993n, 9007199254740995n],
      ["mustNotExist", 4n],
      ["mustExist", 0n],
    ],
  );
  assert.deepEqual(error.aggregate, ["order", "42"]);
  assert.equal(error.expected, 9007199254740993n);
  assert.equal(error.actual, 9007199254740995n);
});

test("a reused idempotency key names the event that has it", () => {
  const known = KnownEvents.fromPartial({
    events: [{ index: 2, idempotencyKey: "k", eventId: "e" }],
  });
  const details = [packed("everlog.v1.KnownEvents", KnownEvents.encode(known).finish())];
  const error = errorFromStatus(status("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED", { details }));
  assert.ok(error instanceof everlog.IdempotencyKeyReused);
  assert.equal(error.eventId, "e");
  assert.deepEqual(error.knownEvents, [{ index: 2, idempotencyKey: "k", eventId: "e" }]);
});

test("an invalid event names each field", () => {
  const bad = BadRequest.fromPartial({
    fieldViolations: [{ field: "events[3].event_type", description: "is empty" }],
  });
  const details = [packed("google.rpc.BadRequest", BadRequest.encode(bad).finish())];
  const error = errorFromStatus(status("INVALID_ARGUMENT", "INVALID_EVENT", { details }));
  assert.ok(error instanceof everlog.InvalidEvent);
  assert.deepEqual(error.fieldViolations, [
    { field: "events[3].event_type", description: "is empty" },
  ]);
});

test("an error carries reason, code, message, metadata and the time to wait", () => {
  const error = errorFromStatus(
    status("OUT_OF_RANGE", "CURSOR_BEYOND_HEAD", {
      message: "position 9 is beyond the head, 4",
      retryAfterMs: 1500,
      metadata: { position: "9", head: "4" },
    }),
  );
  assert.ok(error instanceof everlog.CursorBeyondHead);
  const { reason, code, message, metadata, retryAfterMs } = error;
  assert.deepEqual(
    { reason, code, message, metadata, retryAfterMs },
    {
      reason: "CURSOR_BEYOND_HEAD",
      code: "OUT_OF_RANGE",
      message: "position 9 is beyond the head, 4",
      metadata: { position: "9", head: "4" },
      retryAfterMs: 1500,
    },
  );
});

test("a damaged event is named", () => {
  const metadata = { position: "5", event_id: "e" };
  const error = errorFromStatus(status("DATA_LOSS", "EVENT_DAMAGED", { metadata }));
  assert.ok(error instanceof everlog.EventDamaged);
  assert.deepEqual([error.position, error.eventId], [5n, "e"]);
});

test("a copy is another error that says the same", () => {
  const error = errorFromStatus(status("UNAVAILABLE", "COMMIT_UNKNOWN", { retryAfterMs: 20 }));
  const copy = error.copy();
  assert.notEqual(copy, error);
  assert.ok(copy instanceof everlog.CommitUnknown);
  assert.deepEqual({ ...copy }, { ...error });
});

test("a reason that this client does not know falls back to its code", () => {
  const error = errorFromStatus(status("NOT_FOUND", "MOON_NOT_FOUND"));
  assert.equal(error.constructor, everlog.NotFound);
  assert.equal(error.reason, "MOON_NOT_FOUND");
});

test("a reason of another domain is not taken for one of everlog's", () => {
  const given = status("UNAVAILABLE", "STORAGE_UNAVAILABLE", { domain: "example.org" });
  const error = errorFromStatus(given);
  assert.equal(error.constructor, everlog.Unavailable);
  assert.equal(error.reason, "");
});

test("an unknown code is still an EverlogError", () => {
  const error = errorFromStatus({ code: 999, message: "?", details: [] });
  assert.equal(error.constructor, everlog.EverlogError);
  assert.equal(error.code, "UNKNOWN");
});

function callFailure(code: Status, trailer?: StatusMessage): ServiceError {
  const metadata = new Metadata();
  if (trailer) {
    metadata.set("grpc-status-details-bin", Buffer.from(StatusMessage.encode(trailer).finish()));
  }
  return Object.assign(new Error("gone"), { code, details: "gone", metadata });
}

test("UNAVAILABLE without a status of everlog's is a lost connection", () => {
  const error = errorFromCall(callFailure(Status.UNAVAILABLE));
  assert.equal(error.constructor, everlog.ConnectionLost);
  assert.equal(error.message, "gone");
});

test("a failed call is read from its trailers", () => {
  const trailer = status("UNAVAILABLE", "SERVER_DRAINING");
  const error = errorFromCall(callFailure(Status.UNAVAILABLE, trailer));
  assert.equal(error.constructor, everlog.ServerDraining);
});

test("trailers that contradict the call's own code are not believed", () => {
  const trailer = status("ABORTED", "SEQUENCE_CONFLICT");
  const error = errorFromCall(callFailure(Status.UNAVAILABLE, trailer));
  assert.equal(error.constructor, everlog.ConnectionLost);
});
