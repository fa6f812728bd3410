/** Between the conformance suite's canonical JSON and the objects of the client. */

import * as everlog from "@everlog/client";

// biome-ignore lint/suspicious/noExplicitAny: JSON, whose shape the suite's README.md says
export type Json = Record<string, any>;

type Timestamp = Exclude<everlog.Time, Date>;

const INTEGERS = new Set([
  ...["position", "sequence", "min_position", "max_events"],
  ...["after_position", "after_sequence", "through_position", "through_sequence"],
]);
const TIMES = new Set([
  ...["occurred_time", "from_time", "through_time"],
  ...["recorded_from", "recorded_before", "occurred_from", "occurred_before"],
]);
const NAMED_CHOICES: Record<string, string> = {
  newest_first: "newestFirst",
  oldest_first: "oldestFirst",
};

/** `aggregate_type` as `aggregateType`. */
function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function camelKeys(shape: Json): Json {
  return Object.fromEntries(Object.entries(shape).map(([name, value]) => [camel(name), value]));
}

/** A time, with its microseconds. */
export function toTime(text: string): Timestamp {
  const [, seconds, fraction = ""] = /^([^.Z]*)(?:\.(\d+))?Z$/.exec(text) ?? [];
  const milliseconds = Date.parse(`${seconds}Z`);
  if (Number.isNaN(milliseconds)) {
    throw new RangeError(`${text} is no time`);
  }
  return { seconds: BigInt(milliseconds / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}

/** A time with exactly six digits. */
export function fromTime({ seconds, nanos }: Timestamp): string {
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`;
}

/** A new event. */
export function toEvent(shape: Json): everlog.NewEvent {
  const { aggregate_type = "", aggregate_id = "", ...rest } = shape;
  const event: Json = { eventType: "", ...camelKeys(rest) };
  if (aggregate_type || aggregate_id) {
    event.aggregate = [aggregate_type, aggregate_id];
  }
  if (shape.binary !== undefined) {
    event.binary = Buffer.from(shape.binary, "base64");
  }
  if (shape.occurred_time !== undefined) {
    event.occurredTime = toTime(shape.occurred_time);
  }
  if (shape.intent !== undefined) {
    event.intent = camelKeys(shape.intent);
  }
  if (shape.context !== undefined) {
    event.context = camelKeys(shape.context);
  }
  return event as everlog.NewEvent;
}

/** Expectations, each with its aggregate. */
export function toExpectations(shapes: Json[] | undefined): everlog.Expectation[] | undefined {
  return shapes?.map(({ aggregate_type, aggregate_id, exactly, must_exist }) => ({
    aggregate: [aggregate_type, aggregate_id],
    expected: exactly === undefined ? (must_exist ? "mustExist" : "mustNotExist") : BigInt(exactly),
  }));
}

/** The arguments of a read as the client takes them; also those of a filter. */
export function toArguments(shape: Json): Json {
  const { aggregate_type, aggregate_id, ...rest } = shape;
  const found: Json =
    aggregate_type === undefined ? {} : { aggregate: [aggregate_type, aggregate_id] };
  for (const [name, value] of Object.entries(rest)) {
    found[camel(name)] = toArgument(name, value);
  }
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON
function toArgument(name: string, value: any): unknown {
  if (INTEGERS.has(name)) {
    return BigInt(value);
  }
  if (TIMES.has(name)) {
    return toTime(value);
  }
  switch (name) {
    case "filter":
      return toArguments(value);
    case "aggregate":
      return [value.aggregate_type, value.aggregate_id];
    case "order":
      return NAMED_CHOICES[value] ?? value;
    default:
      return value;
  }
}

/** A recorded event, with every field. */
export function fromEvent(event: everlog.RecordedEvent): Json {
  const { recordTime, occurredTime } = event.message;
  const { json, binary, intent, context } = event;
  return {
    event_id: event.eventId,
    position: String(event.position),
    sequence: String(event.sequence),
    record_time: recordTime && fromTime(recordTime),
    aggregate_type: event.aggregateType,
    aggregate_id: event.aggregateId,
    event_type: event.eventType,
    source: event.source,
    json,
    binary: binary && Buffer.from(binary).toString("base64"),
    content_type: event.contentType,
    metadata: event.metadata,
    idempotency_key: event.idempotencyKey,
    correlation_id: event.correlationId,
    causation_id: event.causationId,
    actor: event.actor,
    user_id: event.userId,
    occurred_time: occurredTime && fromTime(occurredTime),
    documentable: event.documentable,
    intent: intent && {
      problem_solved: intent.problemSolved,
      pain_point: intent.painPoint,
      goal: intent.goal,
      expected_outcome: intent.expectedOutcome,
      impact_metric: intent.impactMetric,
    },
    context: context && {
      decision: context.decision,
      category: context.category,
      related_event_ids: context.relatedEventIds,
    },
  };
}

/** A receipt. */
export function fromReceipt(receipt: everlog.Receipt): Json {
  const { recordTime } = receipt.message;
  return {
    event_id: receipt.eventId,
    position: String(receipt.position),
    sequence: String(receipt.sequence),
    record_time: recordTime && fromTime(recordTime),
    deduplicated: receipt.deduplicated,
    documentable: receipt.documentable,
  };
}

/** What became of one event of a stream. */
export function fromOutcome({ index, receipt, error }: everlog.EmitOutcome): Json {
  return error ? { index, error: fromError(error) } : { index, receipt: fromReceipt(receipt) };
}

/** The head. */
export function fromHead(head: everlog.Head): Json {
  const { recordTime } = head.message;
  return {
    position: String(head.position),
    event_id: head.eventId,
    record_time: recordTime && fromTime(recordTime),
  };
}

/** What a subscription gave. */
export function fromItem(
  item: everlog.RecordedEvent | everlog.CaughtUp | everlog.FellBehind,
): Json {
  if (item instanceof everlog.CaughtUp) {
    return { caught_up: String(item.position) };
  }
  if (item instanceof everlog.FellBehind) {
    return { fell_behind: String(item.position) };
  }
  return { event: fromEvent(item) };
}

/** A typed error, with what its class has to say. */
export function fromError(error: everlog.EverlogError): Json {
  const conflict = error instanceof everlog.SequenceConflict ? error.violations : [];
  const known = error instanceof everlog.AlreadyExists ? error.knownEvents : [];
  return {
    reason: error.reason,
    code: error.code,
    message: error.message,
    metadata: error.metadata,
    field_violations: error instanceof everlog.InvalidArgument ? error.fieldViolations : [],
    sequence_violations: conflict.map(({ aggregate, expected, actual }) => ({
      aggregate_type: aggregate[0],
      aggregate_id: aggregate[1],
      ...fromExpected(expected),
      actual_sequence: String(actual),
    })),
    known_events: known.map(({ index, idempotencyKey, eventId }) => ({
      index,
      idempotency_key: idempotencyKey,
      event_id: eventId,
    })),
    retry_after_seconds: error.retryAfterMs === undefined ? undefined : error.retryAfterMs / 1000,
  };
}

function fromExpected(expected: everlog.Expected): Json {
  switch (expected) {
    case "mustNotExist":
      return { must_not_exist: true };
    case "mustExist":
      return { must_exist: true };
    default:
      return { exactly: String(expected) };
  }
}
