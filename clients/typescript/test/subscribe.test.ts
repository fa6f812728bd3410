/** A subscription that outlives its connections: never a skip, never a repeat. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "../src/index.js";
import { batch, fail, forEver, ScriptedServer, type Scripts } from "./scripted-server.js";

type Script = NonNullable<Scripts["subscribe"]>[number];

const limits = { timeout: 20_000 };

/** Says these things, then waits for ever. */
function saying(...responses: ReturnType<typeof batch>[]): Script {
  return async (_, call) => {
    for (const response of responses) {
      call.write(response);
    }
    await forEver;
  };
}

/** Says these things, then drains. */
function thenDraining(...responses: ReturnType<typeof batch>[]): Script {
  return async (_, call) => {
    for (const response of responses) {
      call.write(response);
    }
    fail("UNAVAILABLE", "SERVER_DRAINING");
  };
}

/** The positions of the next items. */
async function take(
  subscription: AsyncIterator<{ position: bigint }, void>,
  count: number,
): Promise<number[]> {
  const positions: number[] = [];
  while (positions.length < count) {
    const next = await subscription.next();
    assert.ok(!next.done, `it ended after ${positions}`);
    positions.push(Number(next.value.position));
  }
  return positions;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(10);
  }
}

for (const [code, reason] of [
  ["UNAVAILABLE", "SERVER_DRAINING"],
  ["UNAVAILABLE", "STORAGE_UNAVAILABLE"],
  ["RESOURCE_EXHAUSTED", "TOO_MANY_SUBSCRIPTIONS"],
  ["INTERNAL", ""],
  ["CANCELLED", ""],
] as const) {
  test(`after ${reason || code} it resumes after what it handed out`, limits, async () => {
    const interrupted: Script = async (_, call) => {
      call.write(batch([1, 2]));
      call.write(batch([3]));
      fail(code, reason);
    };
    const rest: Script = async ({ start }, call) => {
      call.write(batch([Number(start?.$case === "afterPosition" && start.value) + 1, 5]));
      await forEver;
    };
    await using server = await ScriptedServer.start({ subscribe: [interrupted, rest] });
    await using subscription = server.client().subscribe({ afterPosition: 0 });
    assert.deepEqual(await take(subscription, 5), [1, 2, 3, 4, 5]);
    assert.deepEqual(server.requests[1].start, { $case: "afterPosition", value: 3n });
  });
}

test("it resumes after a connection that broke without a word", limits, async () => {
  const first = await ScriptedServer.start({ subscribe: [saying(batch([1]))] });
  const client = first.client();
  const subscription = client.subscribe({ afterPosition: 0 });
  assert.deepEqual(await take(subscription, 1), [1]);
  first.cut();
  await using _ = await ScriptedServer.start({ subscribe: [saying(batch([2]))] }, first.port);
  assert.deepEqual(await take(subscription, 1), [2]);
  await client.close();
});

test("it resumes after a server that ended the stream in peace", limits, async () => {
  const ends: Script = async (_, call) => {
    call.write(batch([1]));
  };
  await using server = await ScriptedServer.start({ subscribe: [ends, saying(batch([2]))] });
  assert.deepEqual(await take(server.client().subscribe({ afterPosition: 0 }), 2), [1, 2]);
});

test("it waits as long as the server asks for", limits, async () => {
  const later: Script = async () =>
    fail("UNAVAILABLE", "STORAGE_UNAVAILABLE", { retryAfterMs: 300 });
  await using server = await ScriptedServer.start({ subscribe: [later, saying(batch([1]))] });
  const waits: number[] = [];
  const began = performance.now();
  const subscription = server
    .client()
    .subscribe({ afterPosition: 0, onInterruption: (_, waitMs) => waits.push(waitMs) });
  await take(subscription, 1);
  assert.deepEqual(waits, [300]);
  assert.ok(performance.now() - began >= 295);
});

test("a filtered-out stretch moves the cursor", limits, async () => {
  const script = thenDraining(batch([1]), batch([], { examinedPosition: 900n, heartbeat: {} }));
  await using server = await ScriptedServer.start({ subscribe: [script, saying()] });
  await using subscription = server.client().subscribe({ afterPosition: 0 });
  await take(subscription, 1);
  void subscription.next();
  await until(() => server.requests.length === 2);
  assert.equal(server.requests[1].start.value, 900n);
  assert.equal(subscription.position, 900n);
});

test("the position while a batch is handed out is that of the event", limits, async () => {
  const script = saying(batch([1, 2], { examinedPosition: 10n }));
  await using server = await ScriptedServer.start({ subscribe: [script] });
  await using subscription = server.client().subscribe({ afterPosition: 0 });
  await take(subscription, 1);
  assert.deepEqual(subscription.cursor, { afterPosition: 1n, afterEventId: "id-1" });
  await take(subscription, 1);
  assert.deepEqual(subscription.cursor, { afterPosition: 2n, afterEventId: "id-2" });
});

test("the cursor's event id goes along where it is known", limits, async () => {
  const scripts = [
    thenDraining(batch([1, 2])),
    thenDraining(batch([], { examinedPosition: 2n, heartbeat: {} })),
    thenDraining(batch([3], { examinedPosition: 7n })),
    saying(),
  ];
  await using server = await ScriptedServer.start({ subscribe: scripts });
  await using subscription = server.client().subscribe({ afterPosition: 0 });
  await take(subscription, 3);
  void subscription.next();
  await until(() => server.requests.length === 4);
  assert.deepEqual(
    server.requests.map(({ start, afterEventId }) => [start.value, afterEventId]),
    [
      [0n, ""],
      [2n, "id-2"],
      [2n, "id-2"],
      [7n, ""],
    ],
  );
});

test("a cursor of yesterday goes along with its event id", limits, async () => {
  await using server = await ScriptedServer.start({ subscribe: [saying(batch([8]))] });
  const cursor: everlog.Cursor = { afterPosition: 7n, afterEventId: "id-7" };
  await take(server.client().subscribe({ ...cursor }), 1);
  assert.deepEqual(server.requests[0].start, { $case: "afterPosition", value: 7n });
  assert.equal(server.requests[0].afterEventId, "id-7");
});

test("from a time it resumes from the position once it knows one", limits, async () => {
  const scripts = [thenDraining(), thenDraining(batch([5])), saying()];
  await using server = await ScriptedServer.start({ subscribe: scripts });
  await using subscription = server.client().subscribe({ fromTime: new Date() });
  await take(subscription, 1);
  void subscription.next();
  await until(() => server.requests.length === 3);
  assert.deepEqual(
    server.requests.map(({ start }) => start.$case),
    ["fromTime", "fromTime", "afterPosition"],
  );
});

test("from now on an empty log it resumes at its start and skips nothing", limits, async () => {
  const caughtUp = thenDraining(batch([], { caughtUp: {} }));
  await using server = await ScriptedServer.start({ subscribe: [caughtUp, saying(batch([1]))] });
  await take(server.client().subscribe({ fromNow: true }), 1);
  assert.deepEqual(server.requests[1].start, { $case: "afterPosition", value: 0n });
});

test("three missed heartbeats make it reconnect", limits, async () => {
  const scripts = [saying(batch([1])), saying(batch([2]))];
  await using server = await ScriptedServer.start({ subscribe: scripts });
  const interruptions: everlog.EverlogError[] = [];
  const subscription = server.client().subscribe({
    afterPosition: 0,
    heartbeatMs: 100,
    onInterruption: (error) => interruptions.push(error),
  });
  assert.deepEqual(await take(subscription, 2), [1, 2]);
  assert.ok(interruptions[0] instanceof everlog.ConnectionLost);
  assert.match(interruptions[0].message, /heartbeat/);
  assert.deepEqual(server.requests[0].heartbeatInterval, { seconds: 0n, nanos: 100_000_000 });
  await until(() => server.cancelled === 1);
});

test("heartbeats keep it where it is", limits, async () => {
  const beats: Script = async (_, call) => {
    for (let beat = 0; beat < 8; beat++) {
      await sleep(100);
      call.write(batch([], { heartbeat: {} }));
    }
    call.write(batch([1]));
    await forEver;
  };
  await using server = await ScriptedServer.start({ subscribe: [beats] });
  await take(server.client().subscribe({ afterPosition: 0, heartbeatMs: 100 }), 1);
  assert.deepEqual(server.calls, ["subscribe"]);
});

test("a slow reader is not taken for a silent server", limits, async () => {
  const script = saying(batch([1]), batch([2]));
  await using server = await ScriptedServer.start({ subscribe: [script] });
  await using subscription = server.client().subscribe({ afterPosition: 0, heartbeatMs: 50 });
  await take(subscription, 1);
  await sleep(400);
  await take(subscription, 1);
  assert.equal(server.calls.length, 1);
});

test("marks stand between the events when asked for", limits, async () => {
  const script = saying(
    batch([1], { caughtUp: {} }),
    batch([], { examinedPosition: 1n, fellBehind: {} }),
    batch([2]),
  );
  await using server = await ScriptedServer.start({ subscribe: [script] });
  await using subscription = server.client().subscribe({ afterPosition: 0, marks: true });
  const kinds: string[] = [];
  for await (const item of subscription) {
    kinds.push(`${item.constructor.name} ${item.position}`);
    if (kinds.length === 4) {
      break;
    }
  }
  assert.deepEqual(kinds, ["RecordedEvent 1", "CaughtUp 1", "FellBehind 1", "RecordedEvent 2"]);
});

for (const [code, reason, kind] of [
  ["OUT_OF_RANGE", "CURSOR_BEYOND_HEAD", everlog.CursorBeyondHead],
  ["FAILED_PRECONDITION", "LOG_DIVERGED", everlog.LogDiverged],
  ["INVALID_ARGUMENT", "INVALID_FILTER", everlog.InvalidFilter],
  ["INTERNAL", "INTERNAL", everlog.InternalError],
] as const) {
  test(`${reason} is thrown: waiting cannot mend it`, limits, async () => {
    const refused: Script = async () => fail(code, reason);
    await using server = await ScriptedServer.start({ subscribe: [refused] });
    const subscription = server.client().subscribe({ afterPosition: 5 });
    await assert.rejects(subscription.next(), kind);
    assert.equal((await subscription.next()).done, true);
    assert.deepEqual(server.calls, ["subscribe"]);
  });
}

test("without a backoff an interruption is thrown, after what came before it", limits, async () => {
  await using server = await ScriptedServer.start({ subscribe: [thenDraining(batch([1]))] });
  const subscription = server.client({ backoff: false }).subscribe({ afterPosition: 0 });
  assert.deepEqual(await take(subscription, 1), [1]);
  await assert.rejects(subscription.next(), everlog.ServerDraining);
});

test("leaving the loop ends the call", limits, async () => {
  await using server = await ScriptedServer.start({ subscribe: [saying(batch([1, 2]))] });
  for await (const _ of server.client().subscribe({ afterPosition: 0 })) {
    break;
  }
  await until(() => server.cancelled === 1);
});

test("closing it from elsewhere ends the loop, also while it waits", limits, async () => {
  await using server = await ScriptedServer.start({ subscribe: [saying(batch([1]))] });
  const subscription = server.client().subscribe({ afterPosition: 0 });
  await take(subscription, 1);
  const waiting = subscription.next();
  await subscription.close();
  assert.equal((await waiting).done, true);
  await until(() => server.cancelled === 1);
});

test("aborting it fails with the signal's reason, also between two attempts", limits, async () => {
  const away: Script = async () => fail("UNAVAILABLE", "SERVER_DRAINING", { retryAfterMs: 60_000 });
  await using server = await ScriptedServer.start({ subscribe: [saying(batch([1])), away] });
  for (const attempt of ["while it waits for events", "while it waits to resume"]) {
    const abort = new AbortController();
    const subscription = server.client().subscribe({ afterPosition: 0, signal: abort.signal });
    if (attempt === "while it waits for events") {
      await take(subscription, 1);
    }
    const waiting = subscription.next();
    setTimeout(() => abort.abort(new Error("enough")), 100);
    await assert.rejects(waiting, /enough/, attempt);
  }
});

test("never iterated, it is closed without a call", limits, async () => {
  await using server = await ScriptedServer.start({ subscribe: [saying()] });
  await server.client().subscribe({ afterPosition: 0 }).close();
  assert.deepEqual(server.calls, []);
});
