/** Names of aggregates: what events are about. */

import type { AggregateKey as AggregateKeyMessage } from "./generated/everlog/v1/event.js";

/** Names an aggregate: its type and its id, such as `["order", "42"]`. */
export type AggregateKey = readonly [aggregateType: string, aggregateId: string];

/** Encodes an aggregate's name. */
export function toAggregateMessage([
  aggregateType,
  aggregateId,
]: AggregateKey): AggregateKeyMessage {
  return { aggregateType, aggregateId };
}
