/** New events, as a caller writes them. */

import { randomUUID } from "node:crypto";

import type { AggregateKey } from "./aggregates.js";
import type { NewEvent as NewEventMessage } from "./generated/everlog/v1/event.js";
import { toJson, wellFormed } from "./texts.js";
import { type Time, toTimestamp } from "./times.js";

/** Why somebody wanted what the event records: the goal before the fact. */
export interface Intent {
  readonly problemSolved?: string;
  readonly painPoint?: string;
  readonly goal?: string;
  readonly expectedOutcome?: string;
  readonly impactMetric?: string;
}

/** The decision behind an event, and the ids of events that belong with it. */
export interface Context {
  readonly decision?: string;
  readonly category?: string;
  readonly relatedEventIds?: readonly string[];
}

/**
 * A new event. Only its type, and an aggregate or a source, are required.
 *
 * Its payload is one of `data`, `json` and `binary`, or absent.
 */
export interface NewEvent {
  /** What happened, such as `order.created`. */
  readonly eventType: string;

  /** What it is about, such as `["order", "42"]`. Absent: the aggregate `source` / its source. */
  readonly aggregate?: AggregateKey | undefined;

  /** The component that speaks. */
  readonly source?: string | undefined;

  /** Anything that `JSON.stringify` can write; `null` is a JSON null. Absent: no data. */
  readonly data?: unknown;

  /** JSON text, kept byte for byte: the way to write integers beyond 2^53 into data. */
  readonly json?: string | undefined;

  /** Bytes of `contentType`. */
  readonly binary?: Uint8Array | undefined;

  readonly contentType?: string | undefined;

  /** Values that are not strings are kept as JSON text. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;

  /** The writer's name for the event; with one it is safe to send the event again. */
  readonly idempotencyKey?: string | undefined;

  /** A UUID of the caller's choice. Absent: the server makes one. */
  readonly eventId?: string | undefined;

  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly actor?: string | undefined;
  readonly userId?: string | undefined;

  /** When it happened, if not now. */
  readonly occurredTime?: Time | undefined;

  readonly documentable?: boolean | undefined;
  readonly intent?: Intent | undefined;
  readonly context?: Context | undefined;
}

/** The aggregate that the event will belong to. */
export function writtenAggregate(event: NewEvent): AggregateKey {
  return event.aggregate ?? ["source", event.source ?? ""];
}

/** Whether emitting it a second time is harmless, because the log will recognise it. */
export function mayBeRepeated(event: NewEventMessage): boolean {
  return event.idempotencyKey !== "" || event.eventId !== "";
}

/**
 * Encodes an event; with `makeKeys` one without an idempotency key gets a random one. Throws
 * TypeError or RangeError, naming the field, for what cannot be sent.
 */
export function toEventMessage(event: NewEvent, makeKeys = false): NewEventMessage {
  const text = (name: keyof NewEvent & string): string => {
    const value = event[name];
    return value === undefined ? "" : wellFormed(value as string, name);
  };
  const { aggregate } = event;
  return {
    eventId: text("eventId"),
    aggregateType: aggregate ? wellFormed(aggregate[0], "aggregate[0]") : "",
    aggregateId: aggregate ? wellFormed(aggregate[1], "aggregate[1]") : "",
    eventType: text("eventType"),
    source: text("source"),
    payload: payloadOf(event),
    contentType: text("contentType"),
    metadata: metadataOf(event.metadata),
    idempotencyKey: text("idempotencyKey") || (makeKeys ? randomUUID() : ""),
    correlationId: text("correlationId"),
    causationId: text("causationId"),
    actor: text("actor"),
    userId: text("userId"),
    occurredTime: event.occurredTime && toTimestamp(event.occurredTime, "occurredTime"),
    documentable: event.documentable,
    intent: event.intent && intentOf(event.intent),
    context: event.context && contextOf(event.context),
  };
}

function payloadOf({ data, json, binary }: NewEvent): NewEventMessage["payload"] {
  if (Number(data !== undefined) + Number(json !== undefined) + Number(binary !== undefined) > 1) {
    throw new TypeError("an event has one payload: data, json or binary");
  }
  if (data !== undefined) {
    return { $case: "json", value: toJson(data, "data") };
  }
  if (json !== undefined) {
    return { $case: "json", value: wellFormed(json, "json") };
  }
  if (binary !== undefined) {
    if (!(binary instanceof Uint8Array)) {
      throw new TypeError("binary is no Uint8Array (a Buffer is one)");
    }
    return { $case: "binary", value: Buffer.from(binary.buffer, binary.byteOffset, binary.length) };
  }
  return undefined;
}

function metadataOf(metadata: Readonly<Record<string, unknown>> = {}): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(metadata)) {
    const name = `metadata[${JSON.stringify(key)}]`;
    const text = typeof value === "string" ? value : toJson(value, name);
    texts.set(wellFormed(key, "a key of metadata"), wellFormed(text, name));
  }
  return texts;
}

function intentOf(intent: Intent): NonNullable<NewEventMessage["intent"]> {
  return {
    problemSolved: wellFormed(intent.problemSolved ?? "", "intent.problemSolved"),
    painPoint: wellFormed(intent.painPoint ?? "", "intent.painPoint"),
    goal: wellFormed(intent.goal ?? "", "intent.goal"),
    expectedOutcome: wellFormed(intent.expectedOutcome ?? "", "intent.expectedOutcome"),
    impactMetric: wellFormed(intent.impactMetric ?? "", "intent.impactMetric"),
  };
}

function contextOf(context: Context): NonNullable<NewEventMessage["context"]> {
  return {
    decision: wellFormed(context.decision ?? "", "context.decision"),
    category: wellFormed(context.category ?? "", "context.category"),
    relatedEventIds: [...(context.relatedEventIds ?? [])],
  };
}
