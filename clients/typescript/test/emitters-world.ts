/** What the tests of emitters share: a log that is kept, and events as a world emits them. */

import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { type Attachment, type PersistOptions, persistEvents } from "../src/emitters/index.js";
import type { Client } from "../src/index.js";
import type { EmitStreamRequest } from "../src/v1.js";
import { allWell, answer, refusal, type Scripts, type status } from "./scripted-server.js";

export type EmitScript = NonNullable<Scripts["emitStream"]>[number];

/** A logger that keeps what it is told. */
export class Lines {
  readonly said: string[] = [];

  warn(message: string): void {
    this.said.push(message);
  }

  /** Those that speak of something. */
  about(text: string): string[] {
    return this.said.filter((line) => line.includes(text));
  }
}

/** An emitter that is attached to a world of its own, and returns to a server soon. */
export function attached(
  client: Client,
  options: Partial<PersistOptions> = {},
): { emitter: EventEmitter; attachment: Attachment; lines: Lines } {
  const emitter = new EventEmitter();
  const lines = new Lines();
  const attachment = persistEvents(emitter, client, {
    world: "w1",
    logger: lines,
    backoff: { initialMs: 10, maxMs: 50 },
    ...options,
  });
  return { emitter, attachment, lines };
}

/** A message of chat `c1`, whose content and id are its number. */
export function message(n: number, extras: Record<string, unknown> = {}) {
  return { content: String(n), sender: "human", messageId: `m${n}`, chatId: "c1", ...extras };
}

/** Waits until it is so; the test's own timeout ends a wait for what never comes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    await sleep(5);
  }
}

/** The contents of what arrived, batch by batch. */
export function contents(requests: readonly EmitStreamRequest[]): unknown[][] {
  return requests.flatMap(({ emits }) =>
    emits.map(({ request }) => (request?.events ?? []).map(({ payload }) => contentOf(payload))),
  );
}

function contentOf(payload: { $case: string; value: unknown } | undefined): unknown {
  return (JSON.parse(payload?.value as string) as { content: unknown }).content;
}

/** Refuses every request that has one of these contents, stores the others, and notes those. */
export function refusing(
  bad: readonly string[],
  given: ReturnType<typeof status>,
  stored: unknown[] = [],
): EmitScript {
  return async (messages, call) => {
    for await (const message of messages) {
      const answers = message.emits.map((emit) => {
        const [held = []] = contents([{ emits: [emit] }]);
        if (held.some((content) => bad.includes(content as string))) {
          return refusal(emit, given);
        }
        stored.push(...held);
        return answer(emit, 1);
      });
      call.write({ answers });
    }
  };
}

/** Stores everything, and takes its time. */
export function slow(milliseconds: number): EmitScript {
  return async (messages, call) => {
    await allWell(
      (async function* () {
        for await (const message of messages) {
          await sleep(milliseconds);
          yield message;
        }
      })(),
      call,
    );
  };
}
