/** A server whose every call follows a script: the peer that misbehaves as the test wants it to. */

import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  status as Status,
  type sendUnaryData,
} from "@grpc/grpc-js";
import {
  type ConsumeRequest,
  type ConsumeResponse,
  type ConsumerServiceServer,
  ConsumerServiceService,
  type CreateConsumerRequest,
  type CreateConsumerResponse,
} from "../src/generated/everlog/v1/consumers.js";
import {
  type EmitStreamRequest,
  type EmitStreamResponse,
  type EventStoreServiceServer,
  EventStoreServiceService,
  StreamedAnswer,
  type StreamedEmit,
  SubscribeResponse,
} from "../src/generated/everlog/v1/event_store.js";
import { ErrorInfo, RetryInfo } from "../src/generated/google/rpc/error_details.js";
import { Status as StatusMessage } from "../src/generated/google/rpc/status.js";
import { type Client, type Code, type ConnectOptions, connect } from "../src/index.js";
import { RecordedEvent } from "../src/v1.js";

/** What a script throws to end its call with a status. */
export class Failure extends Error {
  readonly status: StatusMessage;

  constructor(status: StatusMessage) {
    super(status.message);
    this.status = status;
  }
}

interface Extras {
  readonly message?: string;
  readonly domain?: string;
  readonly retryAfterMs?: number;
  readonly metadata?: Record<string, string>;
  readonly details?: { typeUrl: string; value: Buffer }[];
}

/** A status as everlog's server makes it. */
export function status(code: Code, reason: string, extras: Extras = {}): StatusMessage {
  const { message = "as the script says", domain = "everlog", retryAfterMs, metadata } = extras;
  const info = ErrorInfo.fromPartial({
    reason,
    domain,
    metadata: new Map(Object.entries(metadata ?? {})),
  });
  const details = [packed("google.rpc.ErrorInfo", ErrorInfo.encode(info).finish())];
  if (retryAfterMs !== undefined) {
    const seconds = Math.floor(retryAfterMs / 1000);
    const nanos = (retryAfterMs - seconds * 1000) * 1e6;
    const retry = { retryDelay: { seconds: BigInt(seconds), nanos } };
    details.push(packed("google.rpc.RetryInfo", RetryInfo.encode(retry).finish()));
  }
  return StatusMessage.fromPartial({
    code: Status[code],
    message,
    details: [...details, ...(extras.details ?? [])],
  });
}

/** A message as `google.protobuf.Any` carries it. */
export function packed(name: string, value: Uint8Array): { typeUrl: string; value: Buffer } {
  return { typeUrl: `type.googleapis.com/${name}`, value: Buffer.from(value) };
}

/** Throws a status. */
export function fail(code: Code, reason: string, extras: Extras = {}): never {
  throw new Failure(status(code, reason, extras));
}

/** Receipts for one emit, from this position on. */
export function answer(emit: StreamedEmit, position: number): StreamedAnswer {
  const receipts = (emit.request?.events ?? []).map((_, index) => ({
    eventId: `id-${position + index}`,
    position: BigInt(position + index),
    sequence: 1n,
  }));
  return StreamedAnswer.fromPartial({
    requestId: emit.requestId,
    answer: { $case: "response", value: { receipts } },
  });
}

/** A refusal of one emit. */
export function refusal(emit: StreamedEmit, given: StatusMessage): StreamedAnswer {
  return { requestId: emit.requestId, answer: { $case: "status", value: given } };
}

/** Recorded events at these positions. */
export function events(...positions: number[]): RecordedEvent[] {
  return positions.map((position) =>
    RecordedEvent.fromPartial({
      position: BigInt(position),
      eventId: `id-${position}`,
      eventType: "a.b",
    }),
  );
}

/** What a subscriber is sent: events, examined up to the last one unless told otherwise. */
export function batch(positions: number[], extras: Partial<SubscribeResponse> = {}) {
  const examinedPosition = BigInt(positions.at(-1) ?? 0);
  return SubscribeResponse.fromPartial({
    events: events(...positions),
    examinedPosition,
    ...extras,
  });
}

export const forEver = new Promise<never>(() => {});

type EmitCall = ServerDuplexStream<EmitStreamRequest, EmitStreamResponse>;
type ConsumeCall = ServerDuplexStream<ConsumeRequest, ConsumeResponse>;
type Streaming<Request, Response> = (
  request: Request,
  call: ServerWritableStream<Request, Response>,
) => Promise<void>;
type Request<Method extends keyof EventStoreServiceServer> = ReturnType<
  (typeof EventStoreServiceService)[Method &
    keyof typeof EventStoreServiceService]["requestDeserialize"]
>;
type Response<Method extends keyof EventStoreServiceServer> = ReturnType<
  (typeof EventStoreServiceService)[Method &
    keyof typeof EventStoreServiceService]["responseDeserialize"]
>;

/** The scripts of each method; each call takes the next one, the last one is for good. */
export interface Scripts {
  emitStream?: ((messages: AsyncIterable<EmitStreamRequest>, call: EmitCall) => Promise<void>)[];
  consume?: ((messages: AsyncIterable<ConsumeRequest>, call: ConsumeCall) => Promise<void>)[];
  createConsumer?: ((request: CreateConsumerRequest) => Promise<CreateConsumerResponse>)[];
  subscribe?: Streaming<Request<"subscribe">, Response<"subscribe">>[];
  replay?: Streaming<Request<"replay">, Response<"replay">>[];
  query?: ((request: Request<"query">) => Promise<Response<"query">>)[];
  get?: ((request: Request<"get">) => Promise<Response<"get">>)[];
  getHead?: ((request: Request<"getHead">) => Promise<Response<"getHead">>)[];
}

/** Every emit is stored, at the position that is its number. */
export async function allWell(
  messages: AsyncIterable<EmitStreamRequest>,
  call: EmitCall,
): Promise<void> {
  for await (const { emits } of messages) {
    call.write({ answers: emits.map((emit) => answer(emit, Number(emit.requestId))) });
  }
}

export class ScriptedServer implements AsyncDisposable {
  /** Every request, or message of a stream, in the order of arrival. */
  // biome-ignore lint/suspicious/noExplicitAny: of which method it is, the test knows
  readonly requests: any[] = [];

  /** The method of each call, in the order of arrival. */
  readonly calls: string[] = [];

  readonly headers: Metadata[] = [];

  /** Resolved with the first request. */
  readonly arrived: Promise<void>;

  /** How many calls their clients have cancelled. */
  cancelled = 0;

  port = 0;
  #arrive: () => void = () => {};
  readonly #scripts: Scripts;
  readonly #server = new Server({ "grpc.max_receive_message_length": -1 });
  readonly #clients: Client[] = [];

  private constructor(scripts: Scripts) {
    this.#scripts = scripts;
    this.arrived = new Promise((resolve) => {
      this.#arrive = resolve;
    });
    this.#server.addService(EventStoreServiceService, {
      emit: (_, callback) => callback({ code: Status.UNIMPLEMENTED }),
      emitStream: (call) =>
        this.#streaming("emitStream", call, (script) => script(this.#noted(call), call)),
      subscribe: (call) => {
        this.#note(call.request);
        this.#streaming("subscribe", call, (script) => script(call.request, call));
      },
      replay: (call) => {
        this.#note(call.request);
        this.#streaming("replay", call, (script) => script(call.request, call));
      },
      query: (call, callback) => this.#unary("query", call, callback),
      get: (call, callback) => this.#unary("get", call, callback),
      getHead: (call, callback) => this.#unary("getHead", call, callback),
    } satisfies EventStoreServiceServer);
    this.#server.addService(ConsumerServiceService, {
      consume: (call: ConsumeCall) =>
        this.#streaming("consume", call, (script) => script(this.#noted(call), call)),
      createConsumer: (call, callback) => this.#unary("createConsumer", call, callback),
    } satisfies Pick<ConsumerServiceServer, "consume" | "createConsumer">);
  }

  static async start(scripts: Scripts, port = 0): Promise<ScriptedServer> {
    const scripted = new ScriptedServer(scripts);
    scripted.port = await new Promise((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      scripted.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    return scripted;
  }

  /** A client of this server, which returns soon after failures; it is closed with the server. */
  client(options: ConnectOptions = {}): Client {
    const client = connect(`127.0.0.1:${this.port}`, {
      backoff: { initialMs: 10, maxMs: 50 },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** Cuts every connection; the clients stay. */
  cut(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.cut();
  }

  #next<Method extends keyof Scripts>(
    method: Method,
    call: { metadata: Metadata },
  ): NonNullable<Scripts[Method]>[number] {
    this.calls.push(method);
    this.headers.push(call.metadata);
    const scripts = this.#scripts[method] as NonNullable<Scripts[Method]>;
    const script = scripts.length > 1 ? scripts.shift() : scripts[0];
    return script as NonNullable<Scripts[Method]>[number];
  }

  #note(request: unknown): void {
    this.requests.push(request);
    this.#arrive();
  }

  async *#noted<Request, Response>(
    call: ServerDuplexStream<Request, Response>,
  ): AsyncGenerator<Request> {
    // A script that leaves its loop early still has a status to send.
    for await (const message of call.iterator({ destroyOnReturn: false })) {
      this.#note(message);
      yield message;
    }
  }

  #streaming<Method extends "consume" | "emitStream" | "subscribe" | "replay">(
    method: Method,
    // biome-ignore lint/suspicious/noExplicitAny: either kind of stream
    call: ServerWritableStream<any, any> | EmitCall | ConsumeCall,
    run: (script: NonNullable<Scripts[Method]>[number]) => Promise<void>,
  ): void {
    call.on("cancelled", () => {
      this.cancelled += 1;
    });
    call.on("error", () => {});
    run(this.#next(method, call)).then(
      () => call.end(),
      (error) => call.emit("error", toServiceError(error)),
    );
  }

  #unary<Given>(
    method: "createConsumer" | "query" | "get" | "getHead",
    call: { metadata: Metadata; request: unknown },
    callback: sendUnaryData<Given>,
  ): void {
    this.#note(call.request);
    const script = this.#next(method, call) as (request: unknown) => Promise<Given>;
    script(call.request).then(
      (response) => callback(null, response),
      (error) => callback(toServiceError(error)),
    );
  }
}

function toServiceError(error: unknown) {
  if (!(error instanceof Failure)) {
    return { code: Status.UNAVAILABLE, details: `the script broke: ${error}` };
  }
  const { status: given } = error;
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(StatusMessage.encode(given).finish()));
  return { code: given.code, details: given.message, metadata };
}
