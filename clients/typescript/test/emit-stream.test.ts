/** `emitStream`: any number of events, in order, with bounded memory. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "../src/index.js";
import type { EmitStreamRequest } from "../src/v1.js";
import {
  allWell,
  answer,
  fail,
  forEver,
  refusal,
  ScriptedServer,
  type Scripts,
  status,
} from "./scripted-server.js";

type EmitScript = NonNullable<Scripts["emitStream"]>[number];

const limits = { timeout: 20_000 };

function* orders(count: number, extras: Partial<everlog.NewEvent> = {}) {
  for (let n = 0; n < count; n++) {
    yield { eventType: "a.b", aggregate: ["a", String(n)], ...extras } as everlog.NewEvent;
  }
}

/** How many events each request had. */
function sizesOf(server: ScriptedServer): number[] {
  return server.requests.flatMap(({ emits }: EmitStreamRequest) =>
    emits.map((emit) => emit.request?.events.length ?? 0),
  );
}

async function all(outcomes: AsyncIterable<everlog.EmitOutcome>): Promise<everlog.EmitOutcome[]> {
  const found: everlog.EmitOutcome[] = [];
  for await (const outcome of outcomes) {
    found.push(outcome);
  }
  return found;
}

test("every event has an outcome, in the order of the input", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const outcomes = await all(server.client().emitStream(orders(3_000)));
  assert.deepEqual(
    outcomes.map(({ index }) => index),
    Array.from({ length: 3_000 }, (_, n) => n),
  );
  assert.ok(outcomes.every(({ receipt }) => receipt !== undefined));
  assert.deepEqual(new Set(sizesOf(server)), new Set([1]));
});

test("batchEvents of them make one request", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const outcomes = await all(server.client().emitStream(orders(25), { batchEvents: 10 }));
  assert.equal(outcomes.length, 25);
  assert.deepEqual(sizesOf(server), [10, 10, 5]);
});

test("an empty input has no outcome", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  assert.deepEqual(await all(server.client().emitStream([])), []);
});

test(
  "a refused request gives its error to each of its events, and the others go on",
  limits,
  async () => {
    const second: EmitScript = async (messages, call) => {
      for await (const { emits } of messages) {
        const conflict = status("ABORTED", "SEQUENCE_CONFLICT");
        const answers = emits.map((emit) =>
          emit.requestId === 2n ? refusal(emit, conflict) : answer(emit, 1),
        );
        call.write({ answers });
      }
    };
    await using server = await ScriptedServer.start({ emitStream: [second] });
    const outcomes = await all(server.client().emitStream(orders(6), { batchEvents: 2 }));
    assert.deepEqual(
      outcomes.map(({ error }) => error?.reason),
      [undefined, undefined, "SEQUENCE_CONFLICT", "SEQUENCE_CONFLICT", undefined, undefined],
    );
  },
);

test("an event that cannot be sent is an InvalidEvent in its place", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const [good] = orders(1) as Iterable<everlog.NewEvent>;
  const bad = { ...good, data: 1n } as everlog.NewEvent;
  const given = [good, bad, good] as everlog.NewEvent[];
  const outcomes = await all(server.client().emitStream(given, { batchEvents: 10 }));
  assert.deepEqual(
    outcomes.map(({ index, error }) => [index, error?.constructor]),
    [
      [0, undefined],
      [1, everlog.InvalidEvent],
      [2, undefined],
    ],
  );
});

test("events with keys and without are never in one request", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const given = [
    ...orders(2),
    ...[...orders(2)].map((event, n) => ({ ...event, idempotencyKey: `k${n}` })),
    ...orders(1),
  ];
  await all(server.client().emitStream(given, { batchEvents: 10 }));
  assert.deepEqual(sizesOf(server), [2, 2, 1]);
});

test("a request has at most 1 MiB", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const large = orders(5, { binary: new Uint8Array(400_000) });
  await all(server.client().emitStream(large, { batchEvents: 100 }));
  assert.deepEqual(sizesOf(server), [2, 2, 1]);
});

test("what a slow source has given does not wait for what it has not", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  async function* slow() {
    yield* orders(3);
    await forEver;
  }
  const outcomes = server.client().emitStream(slow(), { batchEvents: 100, lingerMs: 10 });
  for (const index of [0, 1, 2]) {
    assert.equal((await outcomes.next()).value?.index, index);
  }
  assert.deepEqual(sizesOf(server), [3]);
});

test("the source is not read further than what is bounded", limits, async () => {
  let read = 0;
  function* endless() {
    for (;;) {
      read += 1;
      yield { eventType: "a.b", source: "s", binary: new Uint8Array(100_000) };
    }
  }
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const outcomes = server.client().emitStream(endless());
  await outcomes.next();
  await sleep(300);
  const bytes = read * 100_000;
  assert.ok(bytes > 1_000_000 && bytes < 10_000_000, `${bytes} bytes were read ahead`);
  await outcomes.return();
});

test("what the source throws comes after the outcomes of what it gave", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  function* breaks() {
    yield* orders(2);
    throw new Error("the source broke");
  }
  const outcomes = server.client().emitStream(breaks(), { batchEvents: 10 });
  assert.equal((await outcomes.next()).value?.index, 0);
  assert.equal((await outcomes.next()).value?.index, 1);
  await assert.rejects(outcomes.next(), /the source broke/);
});

test("keyed events are sent again after an interruption, each once", limits, async () => {
  const dies: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      call.write({ answers: emits.slice(0, 1).map((emit) => answer(emit, 1)) });
      fail("UNAVAILABLE", "STORAGE_UNAVAILABLE", { retryAfterMs: 20 });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [dies, allWell] });
  const client = server.client({ makeIdempotencyKeys: true });
  const outcomes = await all(client.emitStream(orders(100)));
  assert.ok(outcomes.every(({ receipt }) => receipt !== undefined));
});

test("leaving early ends the stream and the source", limits, async () => {
  let ended = false;
  function* watched() {
    try {
      for (;;) {
        yield* orders(1);
      }
    } finally {
      ended = true;
    }
  }
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  for await (const _ of server.client().emitStream(watched())) {
    break;
  }
  while (!ended || server.cancelled === 0) {
    await sleep(10);
  }
});

test("leaving early tells a source that is waited for, too", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  let told = false;
  const source: AsyncIterable<everlog.NewEvent> = {
    [Symbol.asyncIterator]: () => {
      const given = orders(1) as Iterator<everlog.NewEvent>;
      return {
        next: async () => {
          const next = given.next();
          return next.done ? forEver : next;
        },
        return: async () => {
          told = true;
          return { done: true, value: undefined };
        },
      };
    },
  };
  for await (const _ of server.client().emitStream(source)) {
    break;
  }
  assert.ok(told);
});

test("aborting ends it with the signal's reason", limits, async () => {
  const silent: EmitScript = async (messages) => {
    for await (const _ of messages) {
      await forEver;
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [silent] });
  const abort = new AbortController();
  async function* quiet() {
    yield* orders(1);
    await forEver;
  }
  const outcomes = all(server.client().emitStream(quiet(), { signal: abort.signal }));
  await server.arrived;
  abort.abort(new Error("enough"));
  await assert.rejects(outcomes, /enough/);
});

for (const batchEvents of [0, 1_001, 1.5]) {
  test(`batchEvents of ${batchEvents} is refused`, limits, async () => {
    await using client = everlog.connect("127.0.0.1:9");
    const outcomes = client.emitStream([], { batchEvents });
    await assert.rejects(outcomes.next(), /batchEvents is/);
  });
}
