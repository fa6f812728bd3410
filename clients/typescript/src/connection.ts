/** Calls to one server: channel, headers, deadlines and typed failures. */

import {
  type ChannelCredentials,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";

import { type Address, targetOf } from "./address.js";
import { DeadlineExceeded, type EverlogError } from "./errors.js";
import { ConsumerServiceService } from "./generated/everlog/v1/consumers.js";
import {
  EmitStreamResponse,
  EventStoreServiceClient,
  EventStoreServiceService,
  type ReplayRequest,
  type ReplayResponse,
  type SubscribeRequest,
  type SubscribeResponse,
} from "./generated/everlog/v1/event_store.js";
import type { ConsumeCall } from "./membership.js";
import { Reach } from "./reach.js";
import { Responses } from "./responses.js";
import { type Backoff, backoffMs, readMayBeRetried } from "./retry.js";
import { errorFromCall } from "./status.js";
import { pause } from "./waiting.js";

const TENANT_HEADER = "everlog-tenant";
const MIB = 1024 * 1024;

/** PEM texts or bytes for TLS. */
export interface TlsOptions {
  /** The authorities to trust. Absent: those of Node. */
  readonly rootCertificates?: string | Uint8Array;

  readonly clientCertificate?: string | Uint8Array;
  readonly clientKey?: string | Uint8Array;
}

/** When to look whether a silent peer is still there, while a call is open. */
export interface KeepAlive {
  /** The silence after which it is asked; a server answers more than one ask in 5 s with a goodbye. */
  readonly intervalMs: number;

  /** How long its answer may take. */
  readonly timeoutMs: number;
}

/** What a connection is told when it is made; see `connect`. */
export interface ConnectionSettings {
  readonly address: Address;
  readonly tenant: string | undefined;
  readonly token: string | undefined;
  readonly tls: TlsOptions;
  readonly keepAlive: KeepAlive;
  readonly backoff: Backoff | undefined;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** How long a read may take, retries included, and what ends it early. */
export interface ReadLimits {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An EmitStream whose messages are serialized already. */
export type EmitCall = ClientDuplexStream<Uint8Array, EmitStreamResponse>;

/** One unary method of a service. */
interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** The calls of EventStoreService on a channel, for one tenant. Nothing connects before the first. */
export class Connection {
  readonly stub: EventStoreServiceClient;
  readonly metadata: Metadata;
  readonly reach: Reach;
  readonly #settings: ConnectionSettings;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.metadata = new Metadata();
    if (settings.tenant !== undefined) {
      this.metadata.set(TENANT_HEADER, settings.tenant);
    }
    if (settings.token !== undefined) {
      this.metadata.set("authorization", `Bearer ${settings.token}`);
    }
    this.stub = new EventStoreServiceClient(
      targetOf(settings.address),
      channelCredentials(settings),
      channelOptions(settings.keepAlive),
    );
    this.reach = new Reach(this.channel, settings.address, settings.connectTimeoutMs);
  }

  get channel(): ReturnType<EventStoreServiceClient["getChannel"]> {
    return this.stub.getChannel();
  }

  /** Closes the channel: calls that are open end as cancelled. */
  close(): void {
    this.stub.close();
  }

  /** Makes a unary read, or a write that may be repeated, again while it is UNAVAILABLE and there is time. */
  async read<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    { timeoutMs = this.#settings.timeoutMs, signal }: ReadLimits,
  ): Promise<Response> {
    const deadline = performance.now() + timeoutMs;
    const searchDeadline = this.reach.deadline();
    const { backoff } = this.#settings;
    let interruption: EverlogError | undefined;
    for (let failures = 1; ; failures++) {
      signal?.throwIfAborted();
      if (!this.reach.isConnected) {
        await this.reach.awaitAttempt(Math.min(deadline, searchDeadline), signal);
        if (this.reach.isOver(searchDeadline)) {
          throw this.reach.failure(interruption);
        }
      }
      const answer = await this.#unary(method, request, deadline - performance.now(), signal);
      if ("response" in answer || answer.error.reason !== "") {
        this.reach.note();
      }
      if ("response" in answer) {
        return answer.response;
      }
      const { error } = answer;
      signal?.throwIfAborted();
      if (error.constructor === DeadlineExceeded && interruption !== undefined) {
        throw interruption; // why it took so long says more than that it did
      }
      if (backoff === undefined || !readMayBeRetried(error)) {
        throw error;
      }
      interruption = error;
      const waitMs = backoffMs(backoff, failures, error.retryAfterMs);
      if (performance.now() + waitMs >= deadline) {
        throw error;
      }
      if (this.reach.isOver(searchDeadline, waitMs)) {
        throw this.reach.failure(error);
      }
      await pause(waitMs, signal);
    }
  }

  #unary<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    remainingMs: number,
    signal: AbortSignal | undefined,
  ): Promise<{ response: Response } | { error: EverlogError }> {
    return new Promise((resolve) => {
      const finish = (failure: ServiceError | null, response?: Response): void => {
        signal?.removeEventListener("abort", cancel);
        resolve(
          failure === null ? { response: response as Response } : { error: errorFromCall(failure) },
        );
      };
      const call = this.stub.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.metadata,
        Number.isFinite(remainingMs) ? { deadline: Date.now() + Math.max(remainingMs, 0) } : {},
        finish,
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /** Streams a stretch of history. It has no deadline: its length is the caller's choice. */
  replay(request: ReplayRequest): Responses<ReplayResponse> {
    return new Responses(this.stub.replay(request, this.metadata));
  }

  /** Opens a Subscribe call. */
  subscribe(request: SubscribeRequest): Responses<SubscribeResponse> {
    return new Responses(this.stub.subscribe(request, this.metadata));
  }

  /** Opens a Consume call. */
  consume(): ConsumeCall {
    const { path, requestSerialize, responseDeserialize } = ConsumerServiceService.consume;
    return this.stub.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      this.metadata,
    );
  }

  /** Opens an EmitStream call that takes serialized messages. */
  emitStream(): EmitCall {
    return this.stub.makeBidiStreamRequest(
      EventStoreServiceService.emitStream.path,
      (message: Uint8Array) => Buffer.from(message.buffer, message.byteOffset, message.length),
      EmitStreamResponse.decode,
      this.metadata,
    );
  }
}

function channelCredentials({ address, tls }: ConnectionSettings): ChannelCredentials {
  if (!address.tls) {
    return credentials.createInsecure();
  }
  const bytes = (pem: string | Uint8Array | undefined): Buffer | null =>
    pem === undefined ? null : Buffer.from(pem as Uint8Array);
  return credentials.createSsl(
    bytes(tls.rootCertificates),
    bytes(tls.clientKey),
    bytes(tls.clientCertificate),
  );
}

function channelOptions(keepAlive: KeepAlive): Record<string, number> {
  return {
    // Batches are at most 1 MiB, except for one larger event: the server may allow larger ones than
    // gRPC's default of 4 MiB would let in.
    "grpc.max_receive_message_length": 64 * MIB,
    "grpc.max_send_message_length": 64 * MIB,
    // A peer that vanished without a word (power, NAT) is noticed, also when a stream is silent.
    "grpc.keepalive_time_ms": keepAlive.intervalMs,
    "grpc.keepalive_timeout_ms": keepAlive.timeoutMs,
    // gRPC would wait up to two minutes before it looks for a restarted server again.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    // HTTP/2's own 64 KiB for each stream would let no more than that through in a round trip: 3 MB/s
    // at 20 ms. 4 MiB took replays up by a fifth even on loopback (1 MiB: by a twentieth).
    "grpc-node.flow_control_window": 4 * MIB,
    // The client decides about retries itself: it knows which emits may be repeated.
    "grpc.enable_retries": 0,
    // A client's connection is its own: it closes with it, and one client's failures are not another's.
    "grpc.use_local_subchannel_pool": 1,
  };
}
