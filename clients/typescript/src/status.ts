/** From what gRPC says of a failed call to a typed error. */

import { type ServiceError, status } from "@grpc/grpc-js";

import type { FieldViolation, KnownEvent, SequenceViolation } from "./details.js";
import {
  type Code,
  ConnectionLost,
  ERRORS_BY_CODE,
  ERRORS_BY_REASON,
  EverlogError,
} from "./errors.js";
import {
  KnownEvents,
  SequenceConflict,
  type SequenceConflict_Violation,
  SequenceConflict_Violation_Expected as ViolationExpected,
} from "./generated/everlog/v1/errors.js";
import type { Any } from "./generated/google/protobuf/any.js";
import { BadRequest, ErrorInfo, RetryInfo } from "./generated/google/rpc/error_details.js";
import { Status } from "./generated/google/rpc/status.js";
import { toMilliseconds } from "./times.js";

const DOMAIN = "everlog";
const DETAILS_HEADER = "grpc-status-details-bin";

interface Decoder<Message> {
  decode(bytes: Uint8Array): Message;
}

/**
 * Turns a call's failure into a typed error.
 *
 * UNAVAILABLE without a status of everlog's comes from the transport: ConnectionLost.
 */
export function errorFromCall(failure: ServiceError): EverlogError {
  for (const value of failure.metadata?.get(DETAILS_HEADER) ?? []) {
    const given = typeof value === "string" ? undefined : Status.decode(value);
    // A proxy that puts its own code in place of the server's leaves the trailer as it was.
    if (given?.code === failure.code) {
      return errorFromStatus(given);
    }
  }
  const code = codeName(failure.code);
  const kind = code === "UNAVAILABLE" ? ConnectionLost : (ERRORS_BY_CODE.get(code) ?? EverlogError);
  return new kind({ message: failure.details, code });
}

/** Turns a status into a typed error, with everything that its details say. */
export function errorFromStatus(given: Status): EverlogError {
  const code = codeName(given.code);
  const info = first(given.details, "google.rpc.ErrorInfo", ErrorInfo);
  const delay = first(given.details, "google.rpc.RetryInfo", RetryInfo)?.retryDelay;
  const reason = info?.domain === DOMAIN ? info.reason : "";
  const kind = ERRORS_BY_REASON.get(reason) ?? ERRORS_BY_CODE.get(code) ?? EverlogError;
  return new kind({
    message: given.message,
    code,
    reason,
    metadata: Object.fromEntries(info?.metadata ?? []),
    retryAfterMs: delay && toMilliseconds(delay),
    fieldViolations: fieldViolations(given.details),
    sequenceViolations: sequenceViolations(given.details),
    knownEvents: knownEvents(given.details),
  });
}

function codeName(code: number): Code {
  return (status[code] as Code | undefined) ?? "UNKNOWN";
}

function first<Message>(
  details: readonly Any[],
  name: string,
  decoder: Decoder<Message>,
): Message | undefined {
  const detail = details.find(
    ({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf("/") + 1) === name,
  );
  return detail && decoder.decode(detail.value);
}

function fieldViolations(details: readonly Any[]): FieldViolation[] {
  const found = first(details, "google.rpc.BadRequest", BadRequest)?.fieldViolations ?? [];
  return found.map(({ field, description }) => ({ field, description }));
}

function sequenceViolations(details: readonly Any[]): SequenceViolation[] {
  const found = first(details, "everlog.v1.SequenceConflict", SequenceConflict)?.violations ?? [];
  return found.map((violation) => ({
    aggregate: [violation.aggregate?.aggregateType ?? "", violation.aggregate?.aggregateId ?? ""],
    expected: expectedOf(violation),
    actual: violation.actualSequence,
  }));
}

function expectedOf(violation: SequenceConflict_Violation): SequenceViolation["expected"] {
  switch (violation.expected) {
    case ViolationExpected.NOT_TO_EXIST:
      return "mustNotExist";
    case ViolationExpected.TO_EXIST:
      return "mustExist";
    default:
      return violation.expectedSequence;
  }
}

function knownEvents(details: readonly Any[]): KnownEvent[] {
  const found = first(details, "everlog.v1.KnownEvents", KnownEvents)?.events ?? [];
  return found.map(({ index, idempotencyKey, eventId }) => ({ index, idempotencyKey, eventId }));
}
