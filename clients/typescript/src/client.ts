/** The client: one connection to a server, for one tenant, shared by any number of callers. */

import { hostname } from "node:os";

import type { Metadata } from "@grpc/grpc-js";

import { BulkEmit, type EmitOutcome } from "./bulk.js";
import { Connection, type ConnectionSettings } from "./connection.js";
import { type CreateConsumerOptions, createConsumerRequest } from "./consumers.js";
import { type ConsumeOptions, Consumption } from "./consumption.js";
import { Deliveries, type DeliveriesOptions } from "./deliveries.js";
import { mayBeRepeated, type NewEvent, toEventMessage, writtenAggregate } from "./events.js";
import { type Expectations, toExpectationMessages } from "./expectations.js";
import type { EventFilter } from "./filters.js";
import { ConsumerServiceService } from "./generated/everlog/v1/consumers.js";
import {
  EventStoreServiceService,
  type KnownEventsPolicy,
  type ReplayResponse,
} from "./generated/everlog/v1/event_store.js";
import { type Handler, type Handlers, toRoute } from "./handlers.js";
import { EmitPipeline } from "./pipeline.js";
import { Query } from "./query.js";
import { Head, type Receipt, RecordedEvent } from "./recorded.js";
import {
  type CallOptions,
  type EventName,
  getRequest,
  headRequest,
  type KnownEventsChoice,
  knownEventsPolicy,
  type QueryOptions,
  queryRequest,
  type ReadOptions,
  replayRequest,
  type Stretch,
  type SubscribeOptions,
  subscribeRequest,
} from "./requests.js";
import { type CaughtUp, type FellBehind, Subscription } from "./subscription.js";

const MEMBERS_STOP_MS = 5_000;

const { get, getHead, query } = EventStoreServiceService;
const { createConsumer } = ConsumerServiceService;

/** What a client is told when it is made; see `connect`. */
export interface ClientSettings extends ConnectionSettings {
  readonly makeIdempotencyKeys: boolean;
}

interface WriteOptions extends CallOptions {
  /** Bounds the emit, retries included; the client's own when absent. */
  readonly timeoutMs?: number | undefined;

  /** Give each event without an idempotency key a random one; the client's own when absent. */
  readonly makeIdempotencyKeys?: boolean | undefined;
}

export interface EmitOptions extends WriteOptions {
  /** The last sequence of the aggregate, `mustNotExist` or `mustExist`; or several, by aggregate. */
  readonly expect?: Expectations | undefined;
}

export interface EmitManyOptions extends EmitOptions {
  /** `refuse` when absent. */
  readonly knownEvents?: KnownEventsChoice | undefined;
}

export interface EmitStreamOptions extends WriteOptions {
  /** How many events make a request, 1 to 1,000; 1 when absent. */
  readonly batchEvents?: number | undefined;

  /** `refuse` when absent. */
  readonly knownEvents?: KnownEventsChoice | undefined;

  /** How long a request waits for its next event; 20 when absent, Infinity: until it is full. */
  readonly lingerMs?: number | undefined;
}

/**
 * Appends events, reads them back and follows them; made by `connect`.
 *
 * Every failure of a call is an EverlogError; arguments that cannot be sent are TypeErrors and
 * RangeErrors. Close it at the end: an open stream keeps the process alive.
 */
export class Client implements AsyncDisposable {
  readonly #settings: ClientSettings;
  readonly #connection: Connection;
  readonly #pipelines = new Set<EmitPipeline>();
  readonly #pipeline: EmitPipeline;
  readonly #members = new Map<Deliveries, (timeoutMs: number) => Promise<unknown>>();
  #closed = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#connection = new Connection(settings);
    this.#pipeline = this.#newPipeline();
  }

  /** The gRPC channel, for stubs of your own: `channelOverride` of their options. */
  get channel(): Connection["channel"] {
    return this.#connection.channel;
  }

  /** The headers that name tenant and token, for calls of your own. */
  get metadata(): Metadata {
    return this.#connection.metadata.clone();
  }

  /** Whether it was closed: every call of it fails. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Closes the connection. What still consumes is stopped before, within 5 s; emits without an answer
   * fail with ConnectionLost.
   */
  async close(): Promise<void> {
    if (this.#members.size > 0) {
      await Promise.all([...this.#members.values()].map((stop) => stop(MEMBERS_STOP_MS)));
    }
    this.#closed = true;
    for (const pipeline of this.#pipelines) {
      pipeline.close();
    }
    this.#pipelines.clear();
    this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // --- Appending --------------------------------------------------------------------------------

  /**
   * Appends one event, and resolves when it is stored durably.
   *
   * Concurrent calls share one stream and its messages; each is judged on its own. An event with an
   * idempotency key (or a chosen id) is sent again after an interruption, until the time is over.
   * Aborting does not undo what is sent already.
   */
  async emit(event: NewEvent, options: EmitOptions = {}): Promise<Receipt> {
    const [receipt] = await this.#submit([event], options, knownEventsPolicy());
    return receipt as Receipt;
  }

  /**
   * Appends 1 to 1,000 events, all or none, in this order; otherwise as `emit`.
   *
   * A single expectation is of the only aggregate that the events are about.
   */
  async emitMany(events: readonly NewEvent[], options: EmitManyOptions = {}): Promise<Receipt[]> {
    return await this.#submit(events, options, knownEventsPolicy(options.knownEvents));
  }

  #submit(
    given: readonly NewEvent[],
    options: EmitOptions,
    knownEvents: KnownEventsPolicy,
  ): Promise<Receipt[]> {
    const makeKeys = options.makeIdempotencyKeys ?? this.#settings.makeIdempotencyKeys;
    const events = given.map((event) => toEventMessage(event, makeKeys));
    const written = options.expect === undefined ? [] : given.map(writtenAggregate);
    const expectedSequences = toExpectationMessages(options.expect, written);
    return this.#pipeline.submit(
      { events, expectedSequences, knownEvents },
      {
        recognisable: events.every(mayBeRepeated),
        timeoutMs: options.timeoutMs ?? this.#settings.timeoutMs,
        signal: options.signal,
      },
    );
  }

  /**
   * Appends any number of events in order, and yields a receipt or an error for each.
   *
   * Every `batchEvents` of them are one request: stored or refused together. A request has fewer
   * when an asynchronous source gives nothing for `lingerMs`, and before an event that would make it
   * larger than 1 MiB, or that has a key where those before have none. A refused one does not stop
   * the others. They travel on a stream of their own, pipelined; what is read ahead of the answers
   * is bounded. `timeoutMs` is for each request.
   */
  async *emitStream(
    events: Iterable<NewEvent> | AsyncIterable<NewEvent>,
    options: EmitStreamOptions = {},
  ): AsyncGenerator<EmitOutcome, void, undefined> {
    const pipeline = this.#newPipeline();
    try {
      const bulk = new BulkEmit(pipeline, {
        batchEvents: options.batchEvents ?? 1,
        knownEvents: knownEventsPolicy(options.knownEvents),
        lingerMs: options.lingerMs ?? 20,
        timeoutMs: options.timeoutMs ?? this.#settings.timeoutMs,
        makeKeys: options.makeIdempotencyKeys ?? this.#settings.makeIdempotencyKeys,
        signal: options.signal,
      });
      yield* bulk.outcomes(events);
    } finally {
      this.#pipelines.delete(pipeline);
      pipeline.close();
    }
  }

  #newPipeline(): EmitPipeline {
    const pipeline = new EmitPipeline(
      () => this.#connection.emitStream(),
      this.#connection.reach,
      this.#settings.backoff,
    );
    if (this.#closed) {
      pipeline.close();
    } else {
      this.#pipelines.add(pipeline);
    }
    return pipeline;
  }

  // --- Reading ----------------------------------------------------------------------------------

  /** Tells the last position of the log. */
  async head(options: ReadOptions = {}): Promise<Head> {
    const request = headRequest(options.minPosition);
    return new Head(await this.#connection.read(getHead, request, options));
  }

  /**
   * Returns one event: by id, position, aggregate and sequence, or idempotency key. Fails with
   * EventNotFound.
   */
  async get(name: EventName, options: ReadOptions = {}): Promise<RecordedEvent> {
    const request = getRequest(name, options.minPosition);
    const response = await this.#connection.read(get, request, options);
    return new RecordedEvent(
      response.event as NonNullable<typeof response.event>,
      response.outcome,
    );
  }

  /**
   * Lists events under a filter; iterate over what is returned.
   *
   * The listing is of the log as it is when the first page is taken. `timeoutMs` is for each page.
   */
  query(filter?: EventFilter, options: QueryOptions = {}): Query {
    return new Query(
      (request) => this.#connection.read(query, request, options),
      queryRequest(filter, options),
      options.limit ?? Number.POSITIVE_INFINITY,
    );
  }

  /**
   * Yields a stretch of history, of one aggregate or of the whole log, and ends.
   *
   * An interruption is thrown, not resumed: go on after the last event's position. Fails with
   * AggregateNotFound for an aggregate without events.
   */
  async *replay(stretch: Stretch = {}): AsyncGenerator<RecordedEvent, void, undefined> {
    for await (const { events } of this.replayBatches(stretch)) {
      for (const event of events) {
        yield new RecordedEvent(event);
      }
    }
  }

  /** Yields the messages of a replay as they come: the fastest way through a long history. */
  async *replayBatches(stretch: Stretch = {}): AsyncGenerator<ReplayResponse, void, undefined> {
    const request = replayRequest(stretch);
    const { signal } = stretch;
    signal?.throwIfAborted();
    const responses = this.#connection.replay(request);
    const cancel = (): void => responses.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      let response: ReplayResponse | undefined;
      while ((response = await responses.next()) !== undefined) {
        yield response;
      }
      signal?.throwIfAborted();
      if (responses.failure !== undefined) {
        throw responses.failure;
      }
    } finally {
      signal?.removeEventListener("abort", cancel);
      responses.cancel();
    }
  }

  /**
   * Follows the log: what is stored after a start, then every new event, without end.
   *
   * Exactly the matching events, once each, in position order. After an interruption (the server
   * drains or is gone, PostgreSQL is away, three heartbeats are missing) it resumes where it was;
   * other failures are thrown. Give exactly one of `afterPosition`, `fromTime` and `fromNow`.
   */
  subscribe(
    options: SubscribeOptions & { readonly marks: true },
  ): Subscription<RecordedEvent | CaughtUp | FellBehind>;
  subscribe(options: SubscribeOptions): Subscription<RecordedEvent>;
  subscribe(options: SubscribeOptions): Subscription<RecordedEvent> {
    const heartbeatMs = options.heartbeatMs ?? 10_000;
    return new Subscription(
      (request) => this.#connection.subscribe(request),
      subscribeRequest(options, heartbeatMs),
      {
        marks: options.marks ?? false,
        backoff: this.#settings.backoff,
        heartbeatMs,
        signal: options.signal,
        onInterruption: options.onInterruption,
      },
    );
  }

  // --- Consuming --------------------------------------------------------------------------------

  /**
   * Creates a durable consumer, and says whether it was there already, with the same settings; it
   * then stays where it is. Fails with ConsumerExists when it has other settings.
   */
  async createConsumer(
    name: string,
    options: CreateConsumerOptions = {},
  ): Promise<{ readonly existed: boolean }> {
    const request = createConsumerRequest(name, options);
    // To create it a second time is harmless, so that it may be tried again as a read is.
    const { existed } = await this.#connection.read(createConsumer, request, options);
    return { existed };
  }

  /**
   * Joins a durable consumer as a member, and has a handler work on each of its events; at once.
   *
   * Its return acknowledges the event, a throw has it tried again, `Retry`, `Park` and `Skip` decide.
   * Several handlers are a table by event type. See `Consumption` for what is promised.
   */
  consume(
    consumer: string,
    handlers: Handler | Handlers,
    options: ConsumeOptions = {},
  ): Consumption {
    const { concurrency, ...others } = options;
    const route = toRoute(handlers);
    const given = concurrency === undefined ? {} : { credit: concurrency };
    const deliveries = this.#join(consumer, { ...others, ...given }, true);
    const consumption = new Consumption(deliveries, route, options);
    this.#members.set(deliveries, (timeoutMs) => consumption.stop(timeoutMs));
    return consumption;
  }

  /**
   * Joins a durable consumer as a member, and yields what it delivers: answer each with `ack` or
   * `nack`, and keep it by `inProgress` when that takes longer than the lease.
   */
  deliveries(consumer: string, options: DeliveriesOptions = {}): Deliveries {
    const deliveries = this.#join(consumer, options, false);
    this.#members.set(deliveries, (timeoutMs) => deliveries.close(timeoutMs));
    return deliveries;
  }

  #join(consumer: string, options: DeliveriesOptions, renews: boolean): Deliveries {
    const deliveries: Deliveries = new Deliveries(
      () => this.#connection.consume(),
      consumer,
      options.memberName ?? `${hostname()}/${process.pid}`,
      options,
      {
        renews,
        backoff: this.#settings.backoff,
        onEnd: () => this.#members.delete(deliveries),
      },
    );
    return deliveries;
  }
}
