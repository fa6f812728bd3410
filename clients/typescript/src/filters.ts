/** Which events are meant: the one filter that queries, replays and subscriptions share. */

import { type AggregateKey, toAggregateMessage } from "./aggregates.js";
import type { EventFilter as EventFilterMessage } from "./generated/everlog/v1/filter.js";
import { toJson, wellFormed } from "./texts.js";
import { type Time, toTimestamp } from "./times.js";

/**
 * Says which events are meant; an empty one means all of them.
 *
 * Values within a field are OR-ed, fields are AND-ed. `…From` is inclusive, `…Before` exclusive.
 */
export interface EventFilter {
  readonly aggregateTypes?: readonly string[];
  readonly aggregate?: AggregateKey;

  /** Exact types (`order.created`), or prefixes (`order.*`). */
  readonly eventTypes?: readonly string[];

  readonly sources?: readonly string[];
  readonly recordedFrom?: Time;
  readonly recordedBefore?: Time;
  readonly occurredFrom?: Time;
  readonly occurredBefore?: Time;
  readonly correlationId?: string;
  readonly causationId?: string;
  readonly actor?: string;
  readonly userId?: string;
  readonly documentableOnly?: boolean;

  /** Entries that an event's metadata must all have, with equal values. */
  readonly metadata?: Readonly<Record<string, string>>;

  /** A value that the event's JSON data must contain, as PostgreSQL's `@>` has it. */
  readonly dataContains?: unknown;

  /** Words, whole or beginnings, that the event must all have among its texts. */
  readonly keyword?: string;
}

/** Encodes a filter, if there is one. Throws TypeError or RangeError, naming the field. */
export function toFilterMessage(filter: EventFilter | undefined): EventFilterMessage | undefined {
  if (filter === undefined) {
    return undefined;
  }
  const { aggregate, dataContains } = filter;
  return {
    aggregateTypes: texts(filter, "aggregateTypes"),
    aggregate: aggregate && toAggregateMessage(aggregate),
    eventTypes: texts(filter, "eventTypes"),
    sources: texts(filter, "sources"),
    recordedFrom: time(filter, "recordedFrom"),
    recordedBefore: time(filter, "recordedBefore"),
    occurredFrom: time(filter, "occurredFrom"),
    occurredBefore: time(filter, "occurredBefore"),
    correlationId: wellFormed(filter.correlationId ?? "", "correlationId"),
    causationId: wellFormed(filter.causationId ?? "", "causationId"),
    actor: wellFormed(filter.actor ?? "", "actor"),
    userId: wellFormed(filter.userId ?? "", "userId"),
    documentableOnly: filter.documentableOnly ?? false,
    metadata: new Map(Object.entries(filter.metadata ?? {})),
    dataContains: dataContains === undefined ? "" : toJson(dataContains, "dataContains"),
    keyword: wellFormed(filter.keyword ?? "", "keyword"),
  };
}

function texts(filter: EventFilter, name: "aggregateTypes" | "eventTypes" | "sources"): string[] {
  const values = filter[name] ?? [];
  if (!Array.isArray(values)) {
    throw new TypeError(`${name} takes an array of texts, not ${JSON.stringify(values)}`);
  }
  return values.map((value, index) => wellFormed(value, `${name}[${index}]`));
}

function time(
  filter: EventFilter,
  name: "recordedFrom" | "recordedBefore" | "occurredFrom" | "occurredBefore",
) {
  const value = filter[name];
  return value && toTimestamp(value, name);
}
