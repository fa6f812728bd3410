/** What was stored of a world, or of a chat in it, read back in order. */

import type { Client } from "../client.js";
import { NotFound } from "../errors.js";
import type { Integer } from "../integers.js";
import type { RecordedEvent } from "../recorded.js";
import type { CallOptions } from "../requests.js";
import type { Time } from "../times.js";
import { worldAggregate } from "./naming.js";

export interface WorldEventsOptions extends CallOptions {
  readonly world: string;

  /** Absent: the events of the world that belong to no chat. */
  readonly chat?: string | null | undefined;

  /** Only what comes after this sequence of the world, or of the chat. */
  readonly sinceSequence?: Integer | undefined;

  /** Only what was recorded at this time or later. */
  readonly sinceTime?: Time | undefined;

  /** Only these: event types (`sse.end`, `tool.*`), or kinds (`sse`, for `sse.*`). */
  readonly types?: readonly string[] | undefined;

  /** The first so many. */
  readonly limit?: number | undefined;
}

/**
 * Yields the events of a world or of a chat, oldest first; none where nothing was stored.
 *
 * An interruption is thrown: go on after the last event's sequence.
 */
export async function* worldEvents(
  client: Client,
  options: WorldEventsOptions,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const { world, chat, sinceSequence = 0, sinceTime, types = [], limit, signal } = options;
  if (limit === 0) {
    return;
  }
  const events = client.replay({
    aggregate: worldAggregate(world, chat || undefined),
    afterSequence: sinceSequence,
    filter: {
      eventTypes: types.map((type) => (/[.*]/.test(type) ? type : `${type}.*`)),
      ...(sinceTime === undefined ? {} : { recordedFrom: sinceTime }),
    },
    maxEvents: limit ?? 0,
    signal,
  });
  try {
    yield* events;
  } catch (error) {
    if (!(error instanceof NotFound)) {
      throw error;
    }
  }
}
