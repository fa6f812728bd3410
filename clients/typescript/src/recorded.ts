/**
 * What the server gives back: recorded events, and receipts for new ones.
 *
 * They are views of the messages that came over the wire: a reader of a million events pays for what
 * it looks at. Positions and sequences are `bigint`s, exact beyond 2^53.
 */

import type { AggregateKey } from "./aggregates.js";
import type {
  Context as ContextMessage,
  Intent as IntentMessage,
  RecordedEvent as RecordedEventMessage,
} from "./generated/everlog/v1/event.js";
import type {
  GetHeadResponse,
  Receipt as ReceiptMessage,
} from "./generated/everlog/v1/event_store.js";
import type { Outcome } from "./generated/everlog/v1/outcome.js";
import { Timestamp } from "./generated/google/protobuf/timestamp.js";
import { toDate } from "./times.js";

/** An event as it is stored. Texts that its writer left out are empty. */
export class RecordedEvent {
  /** The message as it came; its times have microseconds. */
  readonly message: RecordedEventMessage;

  #data: unknown;
  #parsed = false;

  /**
   * What came of it, as it was last recorded; undefined when nothing was, or when it was not asked
   * for: `get` does, a query does by `outcomes`, replays and subscriptions never.
   */
  readonly outcome: Outcome | undefined;

  constructor(message: RecordedEventMessage, outcome?: Outcome) {
    this.message = message;
    this.outcome = outcome;
  }

  /** Its id, a UUID. */
  get eventId(): string {
    return this.message.eventId;
  }

  /** Its number within the tenant's log, from 1. */
  get position(): bigint {
    return this.message.position;
  }

  /** Its number within its aggregate, from 1. */
  get sequence(): bigint {
    return this.message.sequence;
  }

  /** What it is about, such as `["order", "42"]`. */
  get aggregate(): AggregateKey {
    return [this.message.aggregateType, this.message.aggregateId];
  }

  /** The kind of thing that it is about. */
  get aggregateType(): string {
    return this.message.aggregateType;
  }

  /** The thing that it is about. */
  get aggregateId(): string {
    return this.message.aggregateId;
  }

  /** What happened, such as `order.created`. */
  get eventType(): string {
    return this.message.eventType;
  }

  /** The component that spoke. */
  get source(): string {
    return this.message.source;
  }

  /**
   * Its JSON data, parsed once; undefined when it has none (see `binary`). `JSON.parse` rounds
   * integers beyond 2^53: where they matter, read `json`.
   */
  get data(): unknown {
    if (!this.#parsed) {
      const text = this.json;
      this.#data = text === undefined ? undefined : JSON.parse(text);
      this.#parsed = true;
    }
    return this.#data;
  }

  /** Its JSON data, byte for byte as it was sent; undefined when it has none. */
  get json(): string | undefined {
    const { payload } = this.message;
    return payload?.$case === "json" ? payload.value : undefined;
  }

  /** Its binary data; undefined when it has none. */
  get binary(): Uint8Array | undefined {
    const { payload } = this.message;
    return payload?.$case === "binary" ? payload.value : undefined;
  }

  /** The media type of `binary`. */
  get contentType(): string {
    return this.message.contentType;
  }

  /** Technical context; a nested value is JSON text. */
  get metadata(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.message.metadata);
  }

  /** The writer's name for it. */
  get idempotencyKey(): string {
    return this.message.idempotencyKey;
  }

  /** Groups the events of one piece of work. */
  get correlationId(): string {
    return this.message.correlationId;
  }

  /** The id of the event that caused it. */
  get causationId(): string {
    return this.message.causationId;
  }

  /** Who did it. */
  get actor(): string {
    return this.message.actor;
  }

  /** The user whom it concerns or belongs to. */
  get userId(): string {
    return this.message.userId;
  }

  /** Whether people should be told about it in narratives. */
  get documentable(): boolean {
    return this.message.documentable ?? false;
  }

  /** When the server recorded it, to the millisecond. */
  get recordTime(): Date {
    return toDate(this.message.recordTime ?? Timestamp.create());
  }

  /** When it happened, to the millisecond. */
  get occurredTime(): Date {
    return toDate(this.message.occurredTime ?? Timestamp.create());
  }

  /** Why somebody wanted it, if that was said. */
  get intent(): Readonly<IntentMessage> | undefined {
    return this.message.intent;
  }

  /** The decision behind it, and related events, if that was said. */
  get context(): Readonly<ContextMessage> | undefined {
    return this.message.context;
  }
}

/** What the server says of an event that is stored, durably. */
export class Receipt {
  /** The message as it came; its time has microseconds. */
  readonly message: ReceiptMessage;

  constructor(message: ReceiptMessage) {
    this.message = message;
  }

  /** The event's id, a UUID. */
  get eventId(): string {
    return this.message.eventId;
  }

  /** Its number within the tenant's log, from 1. */
  get position(): bigint {
    return this.message.position;
  }

  /** Its number within its aggregate, from 1. */
  get sequence(): bigint {
    return this.message.sequence;
  }

  /** True when an earlier request stored it, and this one found it. */
  get deduplicated(): boolean {
    return this.message.deduplicated;
  }

  /** Whether people should be told about it in narratives. */
  get documentable(): boolean {
    return this.message.documentable;
  }

  /** When it was recorded, to the millisecond. */
  get recordTime(): Date {
    return toDate(this.message.recordTime ?? Timestamp.create());
  }
}

/** The last position of a log. */
export class Head {
  /** The message as it came; its time has microseconds. */
  readonly message: GetHeadResponse;

  constructor(message: GetHeadResponse) {
    this.message = message;
  }

  /** The position of the last event; 0n when the log is empty. */
  get position(): bigint {
    return this.message.position;
  }

  /** The id of the last event; empty when the log is empty. */
  get eventId(): string {
    return this.message.eventId;
  }

  /** When the last event was recorded; undefined when the log is empty. */
  get recordTime(): Date | undefined {
    return this.message.recordTime && toDate(this.message.recordTime);
  }
}
