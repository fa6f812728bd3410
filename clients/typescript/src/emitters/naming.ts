/** Names that worlds and their events have in the log. */

import { createHash } from "node:crypto";

import type { AggregateKey } from "../aggregates.js";

const NAME_BYTES_MAX = 255; // the server's own limit, of ids and of keys
const REMEMBERED_MIN = 10_000;

/**
 * Names the aggregate of a chat, or of what belongs to a world and to no chat in it.
 *
 * In a chat's name the world's `/` is `%2F` and its `%` is `%25`: chat `b/c` of world `a` is not chat
 * `c` of world `a/b`.
 */
export function worldAggregate(world: string, chat: string | undefined): AggregateKey {
  return chat === undefined
    ? ["world", fitting(world)]
    : ["chat", fitting(`${escaped(world)}/${chat}`)];
}

/** The prefix of the world's keys: message ids of two worlds in one tenant may be the same. */
export function keyPrefix(world: string): string {
  return `${escaped(world)}/`;
}

/**
 * The name itself when it has at most 255 bytes of UTF-8; else its first 190 or so, `~`, and the
 * SHA-256 of all of it.
 */
export function fitting(name: string): string {
  // A character has at most three bytes (a surrogate pair four).
  if (name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX) {
    return name;
  }
  const tail = `~${createHash("sha256").update(name).digest("hex")}`;
  const head = Buffer.from(name).subarray(0, NAME_BYTES_MAX - tail.length);
  // `stream`: a character that is cut in two is held back, instead of becoming U+FFFD.
  return new TextDecoder().decode(head, { stream: true }) + tail;
}

function escaped(world: string): string {
  return /[%/]/.test(world) ? world.replaceAll("%", "%25").replaceAll("/", "%2F") : world;
}

/**
 * Counts how often a name was given: the chunks of one message share channel, message id and type.
 *
 * It remembers at least the 10,000 names that were used last, and no more than twice as many; one
 * that was forgotten begins at 1 again.
 */
export class Ordinals {
  // Two generations: to find the oldest name of a Map takes long when many were deleted before it.
  #recent = new Map<string, number>();
  #older = new Map<string, number>();

  /** 1 for a name that is new. */
  next(name: string): number {
    const ordinal = (this.#recent.get(name) ?? this.#older.get(name) ?? 0) + 1;
    this.#recent.set(name, ordinal);
    if (this.#recent.size >= REMEMBERED_MIN) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    return ordinal;
  }
}
