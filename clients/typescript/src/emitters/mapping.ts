/**
 * From what is emitted to a new event: its type, aggregate, key, actor, time and payload.
 *
 * Everything is taken while `emit` runs. A later listener may change the object, and what waits in
 * the buffer is bounded by its bytes, which only the finished text has.
 */

import { randomUUID } from "node:crypto";

import type { NewEvent } from "../events.js";
import { storableText, toJsonable } from "./jsonable.js";
import { fitting, keyPrefix, type Ordinals, worldAggregate } from "./naming.js";

/** How large one event's payload may be: what a server stores unless it is told otherwise. */
const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** About what an event takes beside its payload and its names. */
const ENVELOPE_BYTES = 256;

/** Where an event belongs; see `PersistOptions`. */
export interface MappingSettings {
  readonly world: string | ((event: unknown, channel: string) => string | undefined);
  readonly chat: (event: unknown, channel: string) => string | null | undefined;
  readonly source: string;
}

/** An event that can be sent, and about how many bytes it has. */
export interface Mapped {
  readonly event: NewEvent;
  readonly bytes: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Turns what one emitter emits into events. */
export class Mapping {
  readonly #settings: MappingSettings;
  readonly #ordinals: Ordinals;

  constructor(settings: MappingSettings, ordinals: Ordinals) {
    this.#settings = settings;
    this.#ordinals = ordinals;
  }

  /** Throws whatever the event's own code throws, TypeError and RangeError for what has no place. */
  map(channel: string, emitted: unknown): Mapped {
    const now = new Date();
    const fields = fieldsOf(emitted);
    const { world: worldOf, chat: chatOf } = this.#settings;
    const world = textOf(typeof worldOf === "string" ? worldOf : worldOf(emitted, channel));
    if (world === undefined) {
      throw new TypeError("the world of the event is not known: `world` returned no text for it");
    }
    const chat = textOf(chatOf(emitted, channel));
    const type = textOf(fields.type) ?? "published";
    const messageId = textOf(fields.messageId);
    const { json, bytes } = payloadOf(channel, emitted);
    // Last, because it counts: an event that has no place has no number either.
    const idempotencyKey = this.#key(world, channel, messageId, type);
    const event: NewEvent = {
      aggregate: worldAggregate(world, chat),
      eventType: fitting(eventType(channel, type, fields)),
      source: this.#settings.source,
      json,
      metadata: metadataOf(world, chat, channel, fields),
      idempotencyKey,
      correlationId: messageId && fitting(messageId),
      actor: actorOf(fields),
      occurredTime: timeOf(fields.timestamp) ?? now,
    };
    return { event, bytes: bytes + namesOf(event) + ENVELOPE_BYTES };
  }

  #key(world: string, channel: string, messageId: string | undefined, type: string): string {
    const prefix = `${keyPrefix(world)}${channel}`;
    if (messageId === undefined) {
      return fitting(`${prefix}:${randomUUID()}:${type}`);
    }
    const name = `${prefix}:${messageId}:${type}`;
    const ordinal = this.#ordinals.next(name);
    return fitting(ordinal === 1 ? name : `${name}:${ordinal}`);
  }
}

/** Whether it is a piece of a streamed text, which the message in the end has whole. */
export function isChunk(channel: string, emitted: unknown): boolean {
  return channel === "sse" && fieldsOf(emitted).type === "chunk";
}

function eventType(channel: string, type: string, fields: Fields): string {
  const ofTool = type.startsWith("tool-");
  const isTool =
    channel === "tool" || (channel === "world" && (ofTool || fields.toolExecution != null));
  return isTool
    ? `tool.${ofTool ? type.slice("tool-".length) || "published" : type}`
    : `${channel}.${type}`;
}

function payloadOf(channel: string, emitted: unknown): { json: string | undefined; bytes: number } {
  let payload = toJsonable(emitted, PAYLOAD_BYTES_MAX);
  if (isObject(payload)) {
    const { content } = payload;
    if (channel === "system" && content !== undefined && !isObject(content)) {
      payload = content;
    } else {
      leaveOutEnvelope(payload as Record<string, unknown>);
    }
  }
  const json = payload === undefined ? undefined : JSON.stringify(payload);
  const bytes = Buffer.byteLength(json ?? "");
  if (bytes > PAYLOAD_BYTES_MAX) {
    throw new RangeError(`it has ${bytes} bytes, at most ${PAYLOAD_BYTES_MAX}`);
  }
  return { json, bytes };
}

function leaveOutEnvelope(payload: Record<string, unknown>): void {
  for (const name of ["messageId", "timestamp", "chatId"]) {
    if (name in payload) {
      payload[name] = undefined; // so JSON leaves it out; to delete it would take longer
    }
  }
}

function metadataOf(
  world: string,
  chat: string | undefined,
  channel: string,
  fields: Fields,
): Record<string, string> {
  const metadata: Record<string, string> = { world_id: fitting(world), channel };
  const optional = { chat_id: chat, sender: textOf(fields.sender), agent_name: agentOf(fields) };
  for (const [key, value] of Object.entries(optional)) {
    if (value !== undefined) {
      metadata[key] = fitting(value);
    }
  }
  return metadata;
}

function actorOf(fields: Fields): string | undefined {
  const agent = agentOf(fields);
  if (agent !== undefined) {
    return fitting(`agent:${agent}`);
  }
  const sender = textOf(fields.sender);
  if (sender === undefined) {
    return undefined;
  }
  const isActor = sender === "system" || /^[a-z]+:/.test(sender);
  return fitting(isActor ? sender : `user:${sender}`);
}

function agentOf(fields: Fields): string | undefined {
  return textOf(fields.agentName);
}

/** A moment that the log can hold, of a Date, milliseconds since 1970, or ISO text. */
function timeOf(given: unknown): Date | undefined {
  const isIso = typeof given === "string" && /^\d{4}-\d\d-\d\d/.test(given);
  if (!(given instanceof Date || typeof given === "number" || isIso)) {
    return undefined;
  }
  const time = new Date(given);
  const year = time.getUTCFullYear(); // NaN of an invalid one
  return year >= 1 && year <= 9999 ? time : undefined;
}

function textOf(given: unknown): string | undefined {
  const isName = typeof given === "string" || typeof given === "number";
  return isName && given !== "" ? storableText(String(given)) : undefined;
}

function fieldsOf(emitted: unknown): Fields {
  return isObject(emitted) ? emitted : {};
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How many characters its longer names have. */
function namesOf({ aggregate, idempotencyKey = "", metadata }: NewEvent): number {
  let characters = idempotencyKey.length + (aggregate?.[1].length ?? 0);
  for (const name in metadata) {
    characters += name.length + (metadata[name] as string).length;
  }
  return characters;
}
