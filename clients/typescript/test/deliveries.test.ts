/** A consumer's deliveries one by one, answered by whoever takes them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "../src/index.js";
import { Peer, peer, serving } from "./consumer-peer.js";
import { fail, forEver, ScriptedServer, type Scripts, status } from "./scripted-server.js";

type Script = NonNullable<Scripts["consume"]>[number];

const limits = { timeout: 20_000 };

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(5);
  }
}

async function next(deliveries: everlog.Deliveries): Promise<everlog.Delivery> {
  const { value, done } = await deliveries.next();
  assert.ok(!done);
  return value;
}

test("an answer resolves when it is stored, a refused one with false", limits, async () => {
  let settled = 0;
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 });
    for (const { deliveryId } of await member.answers(2)) {
      await sleep(30);
      settled += 1;
      const refusal = status("FAILED_PRECONDITION", "DELIVERY_NOT_HELD");
      member.settle(deliveryId, deliveryId === "d2" ? refusal : undefined);
    }
    await member.leaves();
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const unsettled: everlog.EverlogError[] = [];
  await using deliveries = server
    .client()
    .deliveries("pricing", { onUnsettled: (_, error) => unsettled.push(error) });
  const first = await next(deliveries);
  const second = await next(deliveries);
  const stored = first.ack();
  assert.equal(settled, 0);
  assert.equal(await Promise.race([stored, sleep(10, "not yet")]), "not yet");
  assert.equal(await second.nack("no stock"), false);
  assert.equal(await stored, true);
  assert.equal(second.loss, unsettled[0]);
  assert.ok(second.signal.aborted);
  assert.ok(second.loss instanceof everlog.DeliveryNotHeld);
});

test("a second answer changes nothing", limits, async () => {
  const answers: string[] = [];
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 });
    for (const { deliveryId, answer } of await member.answers(2)) {
      answers.push(`${deliveryId} ${answer?.$case}`);
      member.settle(deliveryId);
    }
    await member.leaves();
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  await using deliveries = server.client().deliveries("pricing");
  const first = await next(deliveries);
  const said = [first.ack(), first.nack("no"), first.ack()];
  first.inProgress();
  await (await next(deliveries)).ack();
  assert.deepEqual(await Promise.all(said), [true, true, true]);
  assert.deepEqual(answers, ["d1 ack", "d2 ack"]);
});

test(
  "an answer whose connection broke resolves with false, and so do later ones",
  limits,
  async () => {
    const script = peer(async (member) => {
      await member.opens();
      member.deliver({ position: 1 }, { position: 2 }, { position: 3 });
      await member.answers(1);
      fail("UNAVAILABLE", "SERVER_DRAINING");
    });
    await using server = await ScriptedServer.start({
      consume: [script, serving({ position: 1, attempt: 2 })],
    });
    const unsettled: string[] = [];
    await using deliveries = server.client().deliveries("pricing", {
      onUnsettled: ({ deliveryId }, error) => unsettled.push(`${deliveryId} ${error.name}`),
    });
    const first = await next(deliveries);
    const second = await next(deliveries);
    assert.equal(await first.ack(), false);
    assert.equal(await second.ack(), false);
    // The third one was lost before it was handed out.
    const again = await next(deliveries);
    assert.equal(again.deliveryId, "d1.2");
    assert.equal(await again.ack(), true);
    assert.deepEqual(unsettled, ["d1 ConnectionLost", "d2 ServerDraining"]);
  },
);

test(
  "leaving the loop gives back what was not handed out, and waits until all is stored",
  limits,
  async () => {
    const said: string[] = [];
    let settled = false;
    const script = peer(async (member) => {
      await member.opens();
      member.deliver({ position: 1 }, { position: 2 }, { position: 3 });
      const answers = await member.answers(3);
      said.push(...answers.map(({ deliveryId, answer }) => `${deliveryId} ${answer?.$case}`));
      await member.leaves();
      await sleep(50);
      settled = true;
      for (const { deliveryId } of answers) {
        member.settle(deliveryId);
      }
    });
    await using server = await ScriptedServer.start({ consume: [script] });
    for await (const delivery of server.client().deliveries("pricing")) {
      void delivery.ack();
      break;
    }
    assert.ok(settled);
    assert.deepEqual(said, ["d1 ack", "d2 release", "d3 release"]);
  },
);

test("what was handed out and has no answer is cut off", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 });
    const [released] = await member.answers(1);
    member.settle((released as { deliveryId: string }).deliveryId);
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  for await (const { deliveryId } of server.client().deliveries("pricing")) {
    assert.equal(deliveryId, "d1");
    break;
  }
  await until(() => server.cancelled === 1);
});

test("a delivery can be given back", limits, async () => {
  let said: string | undefined;
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    said = (await member.answers(1))[0]?.answer?.$case;
    member.settle("d1");
    await member.leaves();
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  await using deliveries = server.client().deliveries("pricing");
  assert.equal(await (await next(deliveries)).release(), true);
  assert.equal(said, "release");
});

test("closing gives up after its time", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 });
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const deliveries = server.client().deliveries("pricing");
  const stored = (await next(deliveries)).ack();
  await deliveries.close(20);
  assert.equal(await stored, false);
  assert.equal((await deliveries.next()).done, true);
});

test("after leaving the loop ends by itself, when all is answered", limits, async () => {
  await using server = await ScriptedServer.start({
    consume: [serving({ position: 1 }, { position: 2 }, { position: 3 })],
  });
  const deliveries = server.client().deliveries("pricing");
  const positions: bigint[] = [];
  for await (const delivery of deliveries) {
    deliveries.leave();
    positions.push(delivery.event.position);
    void delivery.ack();
  }
  assert.deepEqual(positions, [1n]); // the others were given back
  assert.deepEqual(server.calls, ["consume"]);
});

test(
  "what has arrived is renewed until it is handed out, and then by its taker",
  limits,
  async () => {
    let member: Peer | undefined;
    const script: Script = async (messages, call) => {
      member = new Peer(messages, call);
      await member.opens(150);
      member.deliver({ position: 1 }, { position: 2 });
      await member.answers(1);
      await forEver;
    };
    await using server = await ScriptedServer.start({ consume: [script] });
    const deliveries = server.client().deliveries("pricing");
    const first = await next(deliveries);
    await until(() => (member?.renewals.get("d2") ?? 0) >= 4);
    assert.equal(member?.renewals.get("d1"), undefined);
    first.inProgress();
    await until(() => member?.renewals.get("d1") === 1);
    await deliveries.close(0);
  },
);

test("an abort ends the loop with its reason", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    await forEver;
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const abort = new AbortController();
  const deliveries = server.client().deliveries("pricing", { signal: abort.signal });
  const waiting = deliveries.next();
  setTimeout(() => abort.abort(new Error("enough")), 50);
  await assert.rejects(waiting, /enough/);
  assert.equal((await deliveries.next()).done, true);
});

test("closing it from elsewhere ends the loop, also while it waits", limits, async () => {
  await using server = await ScriptedServer.start({ consume: [serving()] });
  const deliveries = server.client().deliveries("pricing");
  const waiting = deliveries.next();
  await deliveries.close();
  assert.equal((await waiting).done, true);
});

test("what comes while it closes is given back", limits, async () => {
  let said: string | undefined;
  const script = peer(async (member) => {
    await member.opens();
    await member.leaves();
    member.deliver({ position: 1 }); // it was on its way already
    said = (await member.answers(1))[0]?.answer?.$case;
    member.settle("d1");
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const deliveries = server.client().deliveries("pricing");
  const waiting = deliveries.next();
  await deliveries.close(60_000);
  assert.equal((await waiting).done, true);
  assert.equal(said, "release");
});

test("a callback that throws ends the loop, and leaves nobody waiting", limits, async () => {
  const script = peer(async (member) => {
    await member.opens();
    member.deliver({ position: 1 }, { position: 2 });
    await member.answers(2);
    fail("UNAVAILABLE", "SERVER_DRAINING");
  });
  await using server = await ScriptedServer.start({ consume: [script] });
  const deliveries = server.client().deliveries("pricing", {
    onUnsettled: () => {
      throw new Error("no log");
    },
  });
  const answers = [(await next(deliveries)).ack(), (await next(deliveries)).ack()];
  assert.deepEqual(await Promise.all(answers), [false, false]);
  await assert.rejects(deliveries.next(), /no log/);
  await deliveries.close();
  assert.deepEqual(server.calls, ["consume"]);
});

test("a server that lets in and fails is called less and less often", limits, async () => {
  const lets: Script = peer(async (member) => {
    await member.opens();
    fail("UNAVAILABLE", "SERVER_DRAINING");
  });
  await using server = await ScriptedServer.start({ consume: [lets] });
  const backoff = { initialMs: 1, maxMs: 10_000, multiplier: 2 };
  const waits: number[] = [];
  const deliveries = server
    .client({ backoff })
    .deliveries("pricing", { onInterruption: (_, waitMs) => waits.push(waitMs) });
  const waiting = deliveries.next();
  await until(() => waits.length >= 6);
  await deliveries.close();
  assert.ok((waits[5] as number) >= 16, String(waits));
  assert.equal((await waiting).done, true);
});

test("never iterated, it is closed without a call, and so is its client", limits, async () => {
  await using server = await ScriptedServer.start({ consume: [serving()] });
  const client = server.client();
  await client.deliveries("pricing").close();
  client.deliveries("pricing");
  await client.close();
  assert.deepEqual(server.calls, []);
});
