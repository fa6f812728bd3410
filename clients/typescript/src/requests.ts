/**
 * Requests of reads, built and checked before anything is sent.
 *
 * Each throws TypeError or RangeError when its arguments contradict each other.
 */

import { type AggregateKey, toAggregateMessage } from "./aggregates.js";
import type { EverlogError } from "./errors.js";
import { type EventFilter, toFilterMessage } from "./filters.js";
import {
  type GetHeadRequest,
  type GetRequest,
  KnownEventsPolicy,
  QueryOrder,
  type QueryRequest,
  ReplayDirection,
  type ReplayRequest,
  type SubscribeRequest,
} from "./generated/everlog/v1/event_store.js";
import { type Integer, toInt64 } from "./integers.js";
import { type Time, toDuration, toTimestamp } from "./times.js";

/** What to do when only some of a request's events are known: refuse it, or store the others. */
export type KnownEventsChoice = "refuse" | "skip";

/** Options of every call. */
export interface CallOptions {
  /** Ends the call when it is aborted; the call then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a unary read. */
export interface ReadOptions extends CallOptions {
  /** Wait until at least this position is visible. */
  readonly minPosition?: Integer;

  /** Bounds the read, retries included; the client's own when absent. */
  readonly timeoutMs?: number | undefined;
}

/** Which event to get: named in exactly one way. A plain text is an event id. */
export type EventName =
  | string
  | { readonly eventId: string }
  | { readonly position: Integer }
  | { readonly aggregate: AggregateKey; readonly sequence: Integer }
  | { readonly idempotencyKey: string };

export interface QueryOptions extends ReadOptions {
  /** By falling position when absent. */
  readonly order?: "newestFirst" | "oldestFirst";

  /** How many events in all. */
  readonly limit?: number;

  /** How many events a page may have, 1 to 1,000. */
  readonly pageSize?: number;

  /** Have the server count everything that matches. */
  readonly totalSize?: boolean;

  /** Have the events' latest outcomes come along. */
  readonly outcomes?: boolean;
}

/** Which stretch of history a replay reads; the bounds are the same in both directions. */
export interface Stretch extends CallOptions {
  /** Only this aggregate. */
  readonly aggregate?: AggregateKey;

  readonly filter?: EventFilter;

  /** After this position. At most one of the first three; absent: from the start. */
  readonly afterPosition?: Integer;

  /** After this sequence; only with an aggregate. */
  readonly afterSequence?: Integer;

  /** With the first event recorded at this time or later. */
  readonly fromTime?: Time;

  /** With this position. At most one of these three; absent: the head when the call arrives. */
  readonly throughPosition?: Integer;

  /** With this sequence; only with an aggregate. */
  readonly throughSequence?: Integer;

  /** With the last event recorded at this time or earlier. */
  readonly throughTime?: Time;

  readonly direction?: "forwards" | "backwards";

  /** Stop after so many; 0: no limit. */
  readonly maxEvents?: Integer;

  /** The id of the event at `afterPosition`: LogDiverged if it is another one. */
  readonly afterEventId?: string;

  /** Wait until at least this position is visible. */
  readonly minPosition?: Integer;
}

/** Where and how a subscription starts: with exactly one of the first three. */
export interface SubscribeOptions extends CallOptions {
  /** After this position; 0 is the start of the log. */
  readonly afterPosition?: Integer;

  /** With the first event recorded at this time or later. */
  readonly fromTime?: Time;

  /** With the next event to be recorded when the server answers: wait for CaughtUp to be sure. */
  readonly fromNow?: boolean;

  readonly filter?: EventFilter;

  /** The id of the event at `afterPosition`: LogDiverged if it is another one. */
  readonly afterEventId?: string;

  /** Wait until at least this position is visible. */
  readonly minPosition?: Integer;

  /** The server's longest silence, 1,000 to 300,000; 10,000 when absent. After three it reconnects. */
  readonly heartbeatMs?: number;

  /** Have CaughtUp and FellBehind stand between the events. */
  readonly marks?: boolean;

  /** Called with what interrupted, and the milliseconds until the next attempt. */
  readonly onInterruption?: (error: EverlogError, waitMs: number) => void;
}

const ORDERS = { newestFirst: QueryOrder.NEWEST_FIRST, oldestFirst: QueryOrder.OLDEST_FIRST };
const DIRECTIONS = { forwards: ReplayDirection.FORWARDS, backwards: ReplayDirection.BACKWARDS };
const POLICIES = { refuse: KnownEventsPolicy.REFUSE, skip: KnownEventsPolicy.SKIP };

/** Encodes what to do when only some of a request's events are known. */
export function knownEventsPolicy(choice: KnownEventsChoice = "refuse"): KnownEventsPolicy {
  return chosen(POLICIES, choice, "knownEvents");
}

/** Asks for the head. */
export function headRequest(minPosition: Integer = 0): GetHeadRequest {
  return { minPosition: toInt64(minPosition, "minPosition") };
}

/** Asks for one event. */
export function getRequest(name: EventName, minPosition: Integer = 0): GetRequest {
  return {
    by: byOf(name),
    minPosition: toInt64(minPosition, "minPosition"),
    withoutOutcome: false,
  };
}

function byOf(given: EventName): NonNullable<GetRequest["by"]> {
  const name: Readonly<Record<string, unknown>> =
    typeof given === "string" ? { eventId: given } : given;
  const aggregate = name.aggregate as AggregateKey | undefined;
  if ((aggregate === undefined) !== (name.sequence === undefined)) {
    throw new TypeError("aggregate and sequence name an event together");
  }
  switch (onlyOne(name, ["eventId", "position", "sequence", "idempotencyKey"], true)) {
    case "position":
      return { $case: "position", value: toInt64(name.position as Integer, "position") };
    case "sequence":
      return {
        $case: "aggregateSequence",
        value: {
          aggregate: toAggregateMessage(aggregate as AggregateKey),
          sequence: toInt64(name.sequence as Integer, "sequence"),
        },
      };
    case "idempotencyKey":
      return { $case: "idempotencyKey", value: name.idempotencyKey as string };
    default:
      return { $case: "eventId", value: name.eventId as string };
  }
}

/** Asks for the first page. */
export function queryRequest(filter: EventFilter | undefined, options: QueryOptions): QueryRequest {
  return {
    filter: toFilterMessage(filter),
    order: chosen(ORDERS, options.order ?? "newestFirst", "order"),
    pageSize: toInt32(options.pageSize ?? 1_000, "pageSize"),
    pageToken: "",
    includeTotalSize: options.totalSize ?? false,
    minPosition: toInt64(options.minPosition ?? 0, "minPosition"),
    includeOutcomes: options.outcomes ?? false,
  };
}

/** Asks for a stretch of history. */
export function replayRequest(stretch: Stretch): ReplayRequest {
  return {
    aggregate: stretch.aggregate && toAggregateMessage(stretch.aggregate),
    filter: toFilterMessage(stretch.filter),
    start: startOfStretch(stretch),
    end: endOfStretch(stretch),
    direction: chosen(DIRECTIONS, stretch.direction ?? "forwards", "direction"),
    maxEvents: toInt64(stretch.maxEvents ?? 0, "maxEvents"),
    afterEventId: stretch.afterEventId ?? "",
    minPosition: toInt64(stretch.minPosition ?? 0, "minPosition"),
  };
}

function startOfStretch(stretch: Stretch): ReplayRequest["start"] {
  const bound = onlyOne(stretch, ["afterPosition", "afterSequence", "fromTime"], false);
  switch (bound) {
    case undefined:
      return undefined;
    case "fromTime":
      return { $case: bound, value: toTimestamp(stretch.fromTime as Time, bound) };
    default:
      return { $case: bound, value: toInt64(stretch[bound] as Integer, bound) };
  }
}

function endOfStretch(stretch: Stretch): ReplayRequest["end"] {
  const bound = onlyOne(stretch, ["throughPosition", "throughSequence", "throughTime"], false);
  switch (bound) {
    case undefined:
      return undefined;
    case "throughTime":
      return { $case: bound, value: toTimestamp(stretch.throughTime as Time, bound) };
    default:
      return { $case: bound, value: toInt64(stretch[bound] as Integer, bound) };
  }
}

/** Asks to follow the log, from exactly one place. */
export function subscribeRequest(options: SubscribeOptions, heartbeatMs: number): SubscribeRequest {
  if (!(heartbeatMs > 0 && heartbeatMs <= 300_000)) {
    throw new RangeError(`heartbeatMs is ${heartbeatMs}, expected 1,000 to 300,000`);
  }
  return {
    filter: toFilterMessage(options.filter),
    start: startOfFollowing(options, true),
    afterEventId: options.afterEventId ?? "",
    heartbeatInterval: toDuration(heartbeatMs),
    minPosition: toInt64(options.minPosition ?? 0, "minPosition"),
  };
}

/** Where to begin to follow the log; undefined when nothing says so, which may be `required`. */
export function startOfFollowing(
  options: Pick<SubscribeOptions, "afterPosition" | "fromTime" | "fromNow">,
  required: boolean,
): SubscribeRequest["start"] {
  const given = { ...options, fromNow: options.fromNow || undefined };
  switch (onlyOne(given, ["afterPosition", "fromTime", "fromNow"], required)) {
    case undefined:
      return undefined;
    case "fromTime":
      return { $case: "fromTime", value: toTimestamp(options.fromTime as Time, "fromTime") };
    case "fromNow":
      return { $case: "fromNow", value: {} };
    default: {
      const value = toInt64(options.afterPosition as Integer, "afterPosition");
      return { $case: "afterPosition", value };
    }
  }
}

function onlyOne<Name extends string>(
  given: { readonly [name in Name]?: unknown },
  names: readonly Name[],
  required: boolean,
): Name | undefined {
  const found = names.filter((name) => given[name] !== undefined);
  if (found.length > 1 || (required && found.length === 0)) {
    throw new TypeError(`expected ${required ? "exactly" : "at most"} one of ${names.join(", ")}`);
  }
  return found[0];
}

/** Gives what a choice stands for. Throws TypeError, naming what it is, for any other. */
export function chosen<Value>(
  values: Readonly<Record<string, Value>>,
  choice: string,
  name: string,
): Value {
  const value = Object.hasOwn(values, choice) ? values[choice] : undefined;
  if (value === undefined) {
    throw new TypeError(`${name} is ${choice}, expected one of ${Object.keys(values).join(", ")}`);
  }
  return value;
}

/** Checks a count. Throws RangeError, naming what it is. */
export function toInt32(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fff_ffff) {
    throw new RangeError(`${name} is ${value}, expected an integer from 0`);
  }
  return value;
}
