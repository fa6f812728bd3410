/**
 * Client of everlog, the event store: append events, read them back, follow and consume them.
 *
 * Begin with `connect(url)`; README.md beside this package shows the rest.
 */

export { DEFAULT_URL } from "./address.js";
export type { AggregateKey } from "./aggregates.js";
export type { EmitOutcome } from "./bulk.js";
export type { Client, EmitManyOptions, EmitOptions, EmitStreamOptions } from "./client.js";
export { type ConnectOptions, connect } from "./connect.js";
export type { KeepAlive, TlsOptions } from "./connection.js";
export type { ConsumerSettings, CreateConsumerOptions } from "./consumers.js";
export type { ConsumeOptions, Consumption, Stopped } from "./consumption.js";
export type { Deliveries, DeliveriesOptions, MemberOptions } from "./deliveries.js";
export { type Delivery, type DeliveryContext, Park, Retry, Skip } from "./delivery.js";
export type { FieldViolation, KnownEvent, SequenceViolation } from "./details.js";
export * from "./errors.js";
export type { Context, Intent, NewEvent } from "./events.js";
export type { Expectation, Expectations, Expected } from "./expectations.js";
export type { EventFilter } from "./filters.js";
export type { Handler, Handlers } from "./handlers.js";
export type { Integer } from "./integers.js";
export type { Query } from "./query.js";
export type { Head, Receipt, RecordedEvent } from "./recorded.js";
export type {
  CallOptions,
  EventName,
  KnownEventsChoice,
  QueryOptions,
  ReadOptions,
  Stretch,
  SubscribeOptions,
} from "./requests.js";
export type { Backoff } from "./retry.js";
export { CaughtUp, type Cursor, FellBehind, type Subscription } from "./subscription.js";
export type { Time } from "./times.js";
