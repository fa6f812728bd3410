/** Handlers at work on a consumer's events: every event answered, by whoever may answer it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "../src/index.js";
import {
  ConsumerSettings_Exhausted,
  ConsumerSettings_Ordering,
  type CreateConsumerRequest,
  type DeliveryAnswer,
} from "../src/v1.js";
import { Peer, peer, serving } from "./consumer-peer.js";
import { fail, forEver, ScriptedServer, type Scripts, status } from "./scripted-server.js";

type Script = NonNullable<Scripts["consume"]>[number];

const limits = { timeout: 20_000 };
const quiet: everlog.ConsumeOptions = { onFailure: () => {} };

/** Something that happens later, on the test's word. */
function signal(): { happened: Promise<void>; happen: () => void } {
  let happen = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(5);
  }
}

const NOT_HELD = status("FAILED_PRECONDITION", "DELIVERY_NOT_HELD");

for (const [name, handler, expected] of [
  ["a return", () => "whatever", "ack"],
  [
    "a throw",
    () => {
      throw new RangeError("no stock");
    },
    { error: "RangeError: no stock", action: undefined },
  ],
  [
    "a rejection that is no Error",
    () => Promise.reject("no stock"),
    { error: "no stock", action: undefined },
  ],
  [
    "a Retry that is returned",
    async () => new everlog.Retry("away", { afterMs: 1_500 }),
    {
      error: "away",
      action: { $case: "retryAfter", value: { seconds: 1n, nanos: 500_000_000 } },
    },
  ],
  [
    "a Retry that is thrown, for its cause",
    () => {
      throw new everlog.Retry("", { cause: new Error("away") });
    },
    { error: "Error: away", action: undefined },
  ],
  [
    "a Retry at once",
    () => new everlog.Retry("again", { afterMs: 0 }),
    { error: "again", action: { $case: "retryNow", value: {} } },
  ],
  [
    "a Park",
    () => {
      throw new everlog.Park("no such product");
    },
    { error: "no such product", action: { $case: "park", value: {} } },
  ],
  [
    "a Skip",
    () => new everlog.Skip("not ours"),
    { error: "", action: { $case: "skip", value: {} } },
  ],
  [
    "an error that is too long and has half a character",
    () => Promise.reject(`\ud800${"x".repeat(5_000)}`),
    { error: `\ufffd${"x".repeat(4_095)}`, action: undefined },
  ],
] as const) {
  test(`${name} is answered as it is meant`, limits, async () => {
    let answer: DeliveryAnswer | undefined;
    const script = peer(async (member) => {
      await member.opens();
      member.deliver({ position: 1, attempt: 3 });
      [answer] = await member.answers(1);
      member.settle("d1.3");
      await member.leaves();
    });
    await using server = await ScriptedServer.start({ consume: [script] });
    const consumption = server.client().consume("pricing", handler, quiet);
    await until(() => answer !== undefined);
    assert.deepEqual(await consumption.stop(), { finished: 1, abandoned: 0 });
    assert.equal(answer?.deliveryId, "d1.3");
    assert.equal(answer?.attempt, 3);
    const { answer: said } = answer as DeliveryAnswer;
    assert.deepEqual(said?.$case === "nack" ? said.value : said?.$case, expected);
    assert.deepEqual(await consumption.done, { finished: 1, abandoned: 0 });
  });
}

test("a handler is told of its delivery, and a failure is told of", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 7, attempt: 2 });
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const told = signal();
  const failure = new Error("no");
  let context: everlog.DeliveryContext | undefined;
  await using _ = server.client().consume(
    "pricing",
    (event, given) => {
      context = given;
      assert.equal(event.position, 7n);
      throw failure;
    },
    {
      stopTimeoutMs: 0,
      onFailure: (error, given) => {
        assert.equal(error, failure);
        assert.equal(given, context);
        told.happen();
      },
    },
  );
  await told.happened;
  const { deliveryId, attempt, replayed, event } = context as everlog.DeliveryContext;
  assert.deepEqual([deliveryId, attempt, replayed, event.eventId], ["d7.2", 2, false, "id-7"]);
});

test("it joins as it is told", limits, async () => {
  await using server = await ScriptedServer.start({ consume: [serving(), serving()] });
  const client = server.client();
  const options = { concurrency: 3, memberName: "host 1", heartbeatMs: 250 };
  await client.consume("pricing", () => {}, options).stop();
  await client.consume("pricing", () => {}).stop();
  assert.deepEqual(server.requests[0].open, {
    consumer: "pricing",
    memberName: "host 1",
    credit: 3,
    heartbeatInterval: { seconds: 0n, nanos: 250_000_000 },
  });
  const { open } = server.requests.find(({ open }) => open?.credit === 0);
  assert.match(open.memberName, new RegExp(`/${process.pid}$`));
});

for (const [name, attempt, kind] of [
  ["no credit", (client) => client.consume("c", () => {}, { concurrency: 0 }), RangeError],
  ["half a credit", (client) => client.deliveries("c", { credit: 1.5 }), RangeError],
  ["a credit of 1,001", (client) => client.deliveries("c", { credit: 1_001 }), RangeError],
  ["no heartbeat", (client) => client.deliveries("c", { heartbeatMs: 0 }), RangeError],
  ["half a character", (client) => client.deliveries("\ud800"), TypeError],
  ["no handler", (client) => client.consume("c", {}), TypeError],
  ["a handler that is none", (client) => client.consume("c", { a: 1 as never }), TypeError],
  ["a `*` in the middle", (client) => client.consume("c", { "a.*.b": () => {} }), TypeError],
  ["a `*` after a letter", (client) => client.consume("c", { "a*": () => {} }), TypeError],
  ["two starts", (client) => client.createConsumer("c", { afterPosition: 1, fromNow: true }), null],
  ["half an attempt", (client) => client.createConsumer("c", { attemptsMax: 0.5 }), null],
  ["no lease", (client) => client.createConsumer("c", { leaseMs: Number.NaN }), null],
  ["no ordering", (client) => client.createConsumer("c", { ordering: "x" as never }), null],
  ["no time", (client) => client.consume("c", () => {}, { handlerTimeoutMs: 0 }), RangeError],
  ["no type", (client) => client.consume("c", { "": () => {} }), TypeError],
  ["no prefix", (client) => client.consume("c", { ".*": () => {} }), TypeError],
] satisfies [string, (client: everlog.Client) => unknown, typeof Error | null][]) {
  test(`${name} is refused before anything is sent`, async () => {
    const client = everlog.connect("127.0.0.1:1");
    if (kind === null) {
      await assert.rejects(
        attempt(client) as Promise<unknown>,
        /afterPosition|attemptsMax|leaseMs|ordering/,
      );
    } else {
      assert.throws(() => attempt(client), kind);
    }
    await client.close();
  });
}

test(
  "an event goes to the handler of its type, else of the longest prefix, else of `*`",
  limits,
  async () => {
    const types = ["order.created", "order.line.added", "order.paid", "orders.x", "ordinary"];
    const planned = types.map((eventType, index) => ({ position: index + 1, eventType }));
    await using server = await ScriptedServer.start({ consume: [serving(...planned)] });
    const calls: string[] = [];
    const called = (name: string) => (event: everlog.RecordedEvent) => {
      calls.push(`${event.eventType} ${name}`);
    };
    const names = ["*", "order.*", "order.line.*", "order.created"];
    const handlers = Object.fromEntries(names.map((name) => [name, called(name)]));
    const consumption = server.client().consume("pricing", handlers);
    await until(() => calls.length === 5);
    await consumption.stop();
    assert.deepEqual(calls.sort(), [
      "order.created order.created",
      "order.line.added order.line.*",
      "order.paid order.*",
      "orders.x *",
      "ordinary *",
    ]);
  },
);

test("an event that no handler is for has failed", limits, async () => {
  const answers: DeliveryAnswer[] = [];
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1, eventType: "order.paid" });
    answers.push(...(await member.answers(1)));
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const handlers = { "order.created": () => {} };
  const consumption = server.client().consume("pricing", handlers, quiet);
  await until(() => answers.length === 1);
  assert.match(JSON.stringify(answers[0]), /no handler is for order.paid/);
  await consumption.stop(0);
});

test("what takes long is renewed, and what does not is not", limits, async () => {
  let member: Peer | undefined;
  const script: Script = async (messages, call) => {
    member = new Peer(messages, call);
    await member.opens(300);
    member.deliver({ position: 1 }, { position: 2 });
    await member.answers(2);
    await forEver;
  };
  await using server = await ScriptedServer.start({ consume: [script] });
  const consumption = server.client().consume("pricing", async ({ position }) => {
    if (position === 1n) {
      await until(() => (member?.renewals.get("d1") ?? 0) >= 3);
    }
  });
  await until(() => (member?.sizes.length ?? 0) >= 5);
  assert.equal(member?.renewals.get("d2"), undefined);
  await consumption.stop(0);
});

test(
  "a delivery that is taken away is told to its handler, and its answer not sent",
  limits,
  async () => {
    const over = signal();
    let late: DeliveryAnswer[] | undefined;
    const script = peer(async (member) => {
      await member.opens(150);
      member.deliver({ position: 1 });
      while (!member.renewals.has("d1")) {
        await member.reads();
      }
      member.settle("d1", NOT_HELD);
      await over.happened;
      member.deliver({ position: 2 });
      late = await member.answers(1);
      await forEver;
    });
    await using server = await ScriptedServer.start({ consume: [script] });
    const unsettled: string[] = [];
    const consumption = server.client().consume(
      "pricing",
      async ({ position }, { signal: lost }) => {
        if (position === 1n) {
          await until(() => lost.aborted);
          assert.ok(lost.reason instanceof everlog.DeliveryNotHeld);
          setTimeout(over.happen, 20);
        }
      },
      { onUnsettled: ({ deliveryId }, { reason }) => unsettled.push(`${deliveryId} ${reason}`) },
    );
    await until(() => late !== undefined);
    assert.equal(late?.[0]?.deliveryId, "d2");
    // Once when it was taken away, and once when the handler was through with it.
    assert.deepEqual(unsettled, ["d1 DELIVERY_NOT_HELD", "d1 DELIVERY_NOT_HELD"]);
    await consumption.stop(0);
  },
);

test("stopping finishes what is in flight, and gives back what is not begun", limits, async () => {
  const finish = signal();
  const stored: string[] = [];
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await member.leaves();
    member.deliver({ position: 2 }); // it was on its way already
    finish.happen();
    for (const { deliveryId, answer } of await member.answers(2)) {
      await sleep(20);
      stored.push(`${deliveryId} ${answer?.$case}`);
      member.settle(deliveryId);
    }
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const begun = signal();
  const consumption = server.client().consume("pricing", async () => {
    begun.happen();
    await finish.happened;
  });
  await begun.happened;
  assert.equal(consumption.running, 1);
  const stopped = await consumption.stop();
  assert.deepEqual(stopped, { finished: 1, abandoned: 0 });
  assert.deepEqual(stored.sort(), ["d1 ack", "d2 release"]);
  assert.deepEqual(await consumption.done, stopped);
  assert.deepEqual(await consumption.stop(), stopped);
  assert.deepEqual(server.calls, ["consume"]);
});

test("what waits for room is given back when it stops", limits, async () => {
  const finish = signal();
  const said: string[] = [];
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 }); // more than it wanted
    const [released] = (await member.answers(1)) as [DeliveryAnswer];
    said.push(`${released.deliveryId} ${released.answer?.$case}`);
    member.settle(released.deliveryId);
    finish.happen();
    const [acked] = (await member.answers(1)) as [DeliveryAnswer];
    said.push(`${acked.deliveryId} ${acked.answer?.$case}`);
    member.settle(acked.deliveryId);
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const consumption = server.client().consume("pricing", () => finish.happened, { concurrency: 1 });
  await until(() => consumption.running === 1);
  assert.deepEqual(await consumption.stop(), { finished: 1, abandoned: 0 });
  assert.deepEqual(said, ["d2 release", "d1 ack"]);
});

test("a handler that takes too long has failed, and nobody waits for it", limits, async () => {
  const said: unknown[] = [];
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1, attempt: 1 });
    said.push((await member.answers(1))[0]?.answer);
    member.settle("d1.1");
    member.deliver({ position: 1, attempt: 2 });
    said.push((await member.answers(1))[0]?.answer?.$case);
    member.settle("d1.2");
    await member.leaves();
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  let over: AbortSignal | undefined;
  const failures: unknown[] = [];
  const consumption = server.client().consume(
    "pricing",
    (_, { attempt, signal }) => {
      if (attempt === 1) {
        over = signal;
        return forEver;
      }
      return undefined;
    },
    { concurrency: 1, handlerTimeoutMs: 50, onFailure: (error) => failures.push(error) },
  );
  await until(() => said.length === 2);
  assert.deepEqual(await consumption.stop(), { finished: 2, abandoned: 0 });
  const error = "TimeoutError: the handler was not through after 0.05 s";
  assert.deepEqual(said, [{ $case: "nack", value: { error, action: undefined } }, "ack"]);
  assert.equal(over?.reason.name, "TimeoutError");
  assert.deepEqual(failures, [over?.reason]);
});

test("stopping gives up what takes too long, and a second time hurries", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  let lost: AbortSignal | undefined;
  const consumption = server.client().consume("pricing", (_, context) => {
    lost = context.signal;
    return forEver;
  });
  await until(() => lost !== undefined);
  const patient = consumption.stop(Number.POSITIVE_INFINITY);
  assert.deepEqual(await consumption.stop(10), { finished: 0, abandoned: 1 });
  assert.deepEqual(await patient, { finished: 0, abandoned: 1 });
  assert.equal(lost?.aborted, true);
  await until(() => server.cancelled === 1);
});

test("stopping while it waits to join again is the end", limits, async () => {
  const away: Script = async () => fail("UNAVAILABLE", "SERVER_DRAINING", { retryAfterMs: 60_000 });
  await using server = await ScriptedServer.start({ consume: [away] });
  const waits = signal();
  const options = { onInterruption: waits.happen };
  const consumption = server.client().consume("pricing", () => {}, options);
  await waits.happened;
  assert.deepEqual(await consumption.stop(), { finished: 0, abandoned: 0 });
});

test("closing the client stops what consumes", limits, async () => {
  const finish = signal();
  let answered = false;
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await member.leaves();
    finish.happen();
    await member.answers(1);
    answered = true;
    member.settle("d1");
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const client = server.client();
  const begun = signal();
  const consumption = client.consume("pricing", async () => {
    begun.happen();
    await finish.happened;
  });
  await begun.happened;
  await client.close();
  assert.ok(answered);
  assert.deepEqual(await consumption.done, { finished: 1, abandoned: 0 });
});

for (const [name, interrupted] of [
  ["SERVER_DRAINING", async () => fail("UNAVAILABLE", "SERVER_DRAINING")],
  ["STORAGE_UNAVAILABLE", async () => fail("UNAVAILABLE", "STORAGE_UNAVAILABLE")],
  ["TOO_MANY_MEMBERS", async () => fail("RESOURCE_EXHAUSTED", "TOO_MANY_MEMBERS")],
  ["an end without a reason", async () => {}],
  ["three heartbeats that did not come", () => forEver],
] satisfies [string, () => Promise<void>][]) {
  test(`after ${name} it joins again`, limits, async () => {
    const first = peer(async (member) => {
      await member.opens();
      await interrupted();
    });
    await using server = await ScriptedServer.start({
      consume: [first, serving({ position: 1 })],
    });
    const handled = signal();
    const interruptions: everlog.EverlogError[] = [];
    const consumption = server.client().consume("pricing", handled.happen, {
      heartbeatMs: 100,
      onInterruption: (error) => interruptions.push(error),
    });
    await handled.happened;
    await consumption.stop();
    assert.equal(interruptions.length, 1);
    assert.equal(server.calls.length, 2);
  });
}

test("after a connection that broke it joins again", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await forEver;
  });
  const first = await ScriptedServer.start({ consume: [script] });
  const client = first.client();
  const handled: bigint[] = [];
  const unsettled: everlog.EverlogError[] = [];
  const consumption = client.consume("pricing", ({ position }) => handled.push(position), {
    onUnsettled: (_, error) => unsettled.push(error),
  });
  await until(() => handled.length === 1);
  await sleep(20);
  first.cut();
  await using _ = await ScriptedServer.start({ consume: [serving({ position: 2 })] }, first.port);
  await until(() => handled.length === 2);
  await consumption.stop();
  await client.close();
  assert.deepEqual(handled, [1n, 2n]);
  // Its answer was sent, and nobody knows whether it is stored.
  assert.ok(unsettled[0] instanceof everlog.ConnectionLost);
});

for (const [code, reason, kind] of [
  ["NOT_FOUND", "CONSUMER_NOT_FOUND", everlog.ConsumerNotFound],
  ["PERMISSION_DENIED", "PERMISSION_DENIED", everlog.PermissionDenied],
  ["UNAUTHENTICATED", "UNAUTHENTICATED", everlog.Unauthenticated],
  ["INVALID_ARGUMENT", "INVALID_REQUEST", everlog.InvalidRequest],
] as const) {
  test(`${reason} is the end: waiting cannot mend it`, limits, async () => {
    const script = peer(async (member) => {
      await member.opens();
      member.deliver({ position: 1 });
      await member.answers(1);
      fail(code, reason);
    });
    await using server = await ScriptedServer.start({ consume: [script] });
    const consumption = server.client().consume("pricing", () => {});
    await assert.rejects(consumption.done, kind);
    assert.deepEqual(await consumption.stop(), { finished: 1, abandoned: 0 });
    assert.deepEqual(server.calls, ["consume"]);
  });
}

test("without a backoff an interruption is the end", limits, async () => {
  const away: Script = async () => fail("UNAVAILABLE", "SERVER_DRAINING");
  await using server = await ScriptedServer.start({ consume: [away] });
  const consumption = server.client({ backoff: false }).consume("pricing", () => {});
  await assert.rejects(consumption.done, everlog.ServerDraining);
});

test("an abort is the end at once, with its reason, also before it began", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const abort = new AbortController();
  let lost: AbortSignal | undefined;
  const options = { signal: abort.signal };
  const handler: everlog.Handler = (_, context) => {
    lost = context.signal;
    return forEver;
  };
  const consumption = server.client().consume("pricing", handler, options);
  await until(() => lost !== undefined);
  abort.abort(new Error("enough"));
  await assert.rejects(consumption.done, /enough/);
  assert.equal(lost?.aborted, true);
  await assert.rejects(server.client().consume("pricing", handler, options).done, /enough/);
  assert.deepEqual(server.calls, ["consume"]);
});

test("a callback that throws is the end", limits, async () => {
  await using server = await ScriptedServer.start({ consume: [serving({ position: 1 })] });
  const consumption = server.client().consume("pricing", () => Promise.reject("no"), {
    onFailure: () => {
      throw new Error("no log");
    },
  });
  await assert.rejects(consumption.done, /no log/);
});

test(
  "a handler that outlives its connection is not joined by another of its aggregate",
  limits,
  async () => {
    const first = peer(async (member) => {
      await member.opens();
      member.deliver({ position: 1, order: "A" }, { position: 2, order: "B" });
      await member.answers(1);
      fail("UNAVAILABLE", "SERVER_DRAINING");
    });
    const second = peer(async (member) => {
      await member.opens();
      member.deliver(
        { position: 1, order: "A", attempt: 2 },
        { position: 3, order: "A" }, // as ORDERING_NONE would
        { position: 4, order: "C" },
      );
      await member.answers(3);
      await forEver;
    });
    await using server = await ScriptedServer.start({ consume: [first, second] });
    const log: string[] = [];
    const consumption = server
      .client()
      .consume("pricing", async ({ aggregateId, position }, { attempt, signal }) => {
        log.push(`begin ${aggregateId}${position}.${attempt}`);
        if (position === 1n && attempt === 1) {
          await until(() => signal.aborted && log.includes("end C4.1"));
        }
        log.push(`end ${aggregateId}${position}.${attempt}`);
      });
    await until(() => log.includes("end A3.1"));
    await consumption.stop(0);
    const ofA = log.filter((line) => line.includes(" A"));
    assert.deepEqual(ofA.slice(0, 2), ["begin A1.1", "end A1.1"]);
    assert.ok(log.indexOf("begin A1.2") > log.indexOf("end A1.1"));
    assert.ok(log.indexOf("begin A3.1") > log.indexOf("end A1.1"));
  },
);

test("handlers that outlive their connection count among those that run", limits, async () => {
  const first = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 });
    await sleep(50);
    fail("UNAVAILABLE", "SERVER_DRAINING");
  });
  await using server = await ScriptedServer.start({
    consume: [first, serving({ position: 3 }, { position: 4 })],
  });
  let most = 0;
  let handled = 0;
  const consumption: everlog.Consumption = server.client().consume(
    "pricing",
    async ({ position }) => {
      most = Math.max(most, consumption.running);
      await sleep(position < 3n ? 200 : 0);
      handled += 1;
    },
    { concurrency: 2 },
  );
  await until(() => handled === 4);
  await consumption.stop();
  assert.equal(most, 2);
});

test("answers travel together, at most 1,000 in a message", limits, async () => {
  let member: Peer | undefined;
  const planned = Array.from({ length: 2_500 }, (_, index) => ({ position: index + 1 }));
  const script: Script = async (messages, call) => {
    member = new Peer(messages, call);
    await member.opens();
    member.deliver(...planned);
    const ids = (await member.answers(2_500)).map(({ deliveryId }) => deliveryId);
    assert.equal(new Set(ids).size, 2_500);
    member.send({ settlements: ids.map((deliveryId) => ({ deliveryId, attempt: 1 })) });
    await member.leaves();
  };
  await using server = await ScriptedServer.start({ consume: [script] });
  let handled = 0;
  const consumption = server.client().consume("pricing", () => {
    handled += 1;
  });
  await until(() => handled === 2_500);
  assert.deepEqual(await consumption.stop(), { finished: 2_500, abandoned: 0 });
  const sizes = member?.sizes ?? [];
  assert.ok(Math.max(...sizes) <= 1_000, String(sizes));
  assert.ok(sizes.length < 20, String(sizes));
});

test("a consumer is created as it is told, and again when the server is away", limits, async () => {
  await using server = await ScriptedServer.start({
    createConsumer: [
      async () => fail("UNAVAILABLE", "STORAGE_UNAVAILABLE"),
      async () => ({ consumer: undefined, existed: true }),
    ],
  });
  const created = await server.client().createConsumer("pricing", {
    filter: { eventTypes: ["order.*"] },
    leaseMs: 1_500,
    attemptsMax: 5,
    backoff: { initialMs: 10, jitter: 0 },
    checkpointIntervalMs: 0,
    ordering: "none",
    exhausted: "block",
    afterPosition: 7,
  });
  assert.deepEqual(created, { existed: true });
  const { name, settings, start } = server.requests[1] as CreateConsumerRequest;
  assert.equal(name, "pricing");
  assert.deepEqual(start, { $case: "afterPosition", value: 7n });
  assert.deepEqual(settings?.filter?.eventTypes, ["order.*"]);
  assert.deepEqual(
    { ...settings, filter: undefined },
    {
      filter: undefined,
      lease: { seconds: 1n, nanos: 500_000_000 },
      attemptsMax: 5,
      backoff: {
        initial: { seconds: 0n, nanos: 10_000_000 },
        multiplier: 0,
        max: undefined,
        jitter: 0,
      },
      checkpointInterval: { seconds: 0n, nanos: 0 },
      ordering: ConsumerSettings_Ordering.NONE,
      inFlightMax: 0,
      exhausted: ConsumerSettings_Exhausted.BLOCK,
    },
  );
});
