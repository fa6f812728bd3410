/** `persistEvents`: whatever an emitter emits in process is also stored. */

import type { Client } from "../client.js";
import { type Backoff, DEFAULT_BACKOFF } from "../retry.js";
import { Attachment, type Emitter } from "./attachment.js";
import { Complaints, type Logger } from "./complaints.js";
import { Mapping, type MappingSettings } from "./mapping.js";
import { Ordinals } from "./naming.js";
import { Outbox } from "./outbox.js";

const MIB = 1024 * 1024;
const CHANNELS = ["message", "sse", "tool", "world", "system"];

export interface PersistOptions {
  /** The world whose events these are; or what tells it from an event. */
  readonly world: MappingSettings["world"];

  /** The chat of an event, if it belongs to one; its `chatId` when absent. */
  readonly chat?: MappingSettings["chat"];

  /** Which of the emitter's events are stored: message, sse, tool, world and system when absent. */
  readonly channels?: readonly string[];

  /** Store streamed pieces (`chunk` on `sse`) too; false when absent. */
  readonly chunks?: boolean;

  /** The component that speaks; `emitter` when absent. */
  readonly source?: string;

  /** How many events may wait for the server; 10,000 when absent. */
  readonly bufferEventsMax?: number;

  /** How many bytes may wait for the server; 16 MiB when absent. */
  readonly bufferBytesMax?: number;

  /**
   * Called, within `emit`, with each event for which the buffer had no room: the newest is dropped.
   * What it emits itself and is dropped, it is not told.
   */
  readonly onDropped?: (event: unknown, channel: string) => void;

  /** Where failures are told, at most one line of a kind in 10 s; `console` when absent. */
  readonly logger?: Logger;

  /** How long one attempt to store a batch may take before it is made again; 10,000 when absent. */
  readonly attemptTimeoutMs?: number;

  /** How to wait between attempts; as the client does when absent. */
  readonly backoff?: Partial<Backoff>;
}

/** The attachments of one emitter to one client: by world, and one that tells worlds by events. */
type Attachments = Map<string | undefined, Attachment>;

const attachments = new WeakMap<Emitter, WeakMap<Client, Attachments>>();
const ordinals = new WeakMap<Client, Ordinals>();

/**
 * Has what the emitter emits stored, from now on, without delaying or breaking its own listeners.
 *
 * Attaching again to the same client for the same world (or for worlds told by events) gives the same
 * attachment, which listens again if it did not; its options stay as they were until it is closed.
 * Throws TypeError or RangeError for options that make no sense.
 */
export function persistEvents(
  emitter: Emitter,
  client: Client,
  options: PersistOptions,
): Attachment {
  check(options);
  const world = typeof options.world === "string" ? options.world : undefined;
  const byClient = of(attachments, emitter, () => new WeakMap<Client, Attachments>());
  const byWorld = of(byClient, client, (): Attachments => new Map());
  let attachment = byWorld.get(world);
  if (attachment === undefined) {
    attachment = newAttachment(emitter, client, options, () => byWorld.delete(world));
    byWorld.set(world, attachment);
  }
  attachment.attach();
  return attachment;
}

function newAttachment(
  emitter: Emitter,
  client: Client,
  options: PersistOptions,
  forget: () => void,
): Attachment {
  const { world, chat = chatIdOf, source = "emitter", channels = CHANNELS } = options;
  const subject = typeof world === "string" ? `world ${world}` : "worlds";
  const complaints = new Complaints(options.logger ?? console, subject);
  const outbox = new Outbox(
    client,
    {
      bufferEventsMax: options.bufferEventsMax ?? 10_000,
      bufferBytesMax: options.bufferBytesMax ?? 16 * MIB,
      attemptTimeoutMs: options.attemptTimeoutMs ?? 10_000,
      backoff: { ...DEFAULT_BACKOFF, ...options.backoff },
    },
    complaints,
  );
  // Shared by all of a client's emitters: the pieces of one message may come from two of them.
  const mapping = new Mapping(
    { world, chat, source },
    of(ordinals, client, () => new Ordinals()),
  );
  return new Attachment(
    emitter,
    { channels, chunks: options.chunks ?? false, onDropped: options.onDropped },
    { mapping, outbox, complaints, forget },
  );
}

function of<Key extends WeakKey, Value>(
  map: WeakMap<Key, Value>,
  key: Key,
  make: () => Value,
): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function chatIdOf(event: unknown): string | undefined {
  return (event as { chatId?: string } | null | undefined)?.chatId;
}

function check({ world, channels, ...bounds }: PersistOptions): void {
  if (!(typeof world === "function" || (typeof world === "string" && world !== ""))) {
    throw new TypeError(`world is ${JSON.stringify(world)}, expected its id or a function`);
  }
  for (const channel of channels ?? []) {
    if (typeof channel !== "string" || channel === "") {
      throw new TypeError(`channels holds ${JSON.stringify(channel)}, expected names of events`);
    }
  }
  for (const name of ["bufferEventsMax", "bufferBytesMax", "attemptTimeoutMs"] as const) {
    const bound = bounds[name];
    if (bound !== undefined && !(bound > 0)) {
      throw new RangeError(`${name} is ${bound}, expected a positive number`);
    }
  }
}
