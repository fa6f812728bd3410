/** The client against a real server. The log may have events of others: names are new in each run. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { credentials } from "@grpc/grpc-js";

import * as everlog from "../src/index.js";
import { NarrativeServiceClient, RecordOutcomeRequest } from "../src/v1.js";
import { EverlogServer, missing } from "./everlog-server.js";

const run = randomUUID();

function order(name: string, extras: Partial<everlog.NewEvent> = {}): everlog.NewEvent {
  return { eventType: "order.created", aggregate: [`order-${run}`, name], data: {}, ...extras };
}

async function collect<Item>(items: AsyncIterable<Item>, count = Infinity): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    found.push(item);
    if (found.length >= count) {
      break;
    }
  }
  return found;
}

describe("against a real server", { skip: missing ?? false, timeout: 120_000 }, () => {
  let server: EverlogServer;
  let client: everlog.Client;

  before(async () => {
    server = await EverlogServer.start();
    client = everlog.connect(`everlog://${server.address}`);
  });

  after(async () => {
    await client?.close();
    await server?.[Symbol.asyncDispose]();
  });

  test("every field of an event comes back as it was sent", async () => {
    const cause = await client.emit(order("fields"));
    const sent: everlog.NewEvent = order("fields", {
      source: "checkout",
      data: undefined,
      json: '{ "n": 9007199254740993, "text": "日本 \\u00e9 🎉" }',
      metadata: { trace: "é", nested: { a: [1, null] } },
      idempotencyKey: `fields-${run}`,
      eventId: randomUUID(),
      correlationId: "c",
      causationId: cause.eventId,
      actor: "user:7",
      userId: "7",
      occurredTime: { seconds: 1_700_000_000n, nanos: 123_456_000 },
      documentable: true,
      intent: { goal: "sell" },
      context: { category: "pricing", relatedEventIds: [cause.eventId] },
    });
    const receipt = await client.emit(sent, { expect: 1 });
    const found = await client.get(receipt.eventId);
    assert.equal(found.eventId, sent.eventId);
    assert.equal(found.position, receipt.position);
    assert.equal(found.sequence, 2n);
    assert.deepEqual(found.aggregate, sent.aggregate);
    assert.equal(found.json, sent.json);
    assert.deepEqual(found.metadata, { trace: "é", nested: '{"a":[1,null]}' });
    assert.deepEqual(found.message.occurredTime, sent.occurredTime);
    assert.equal(found.recordTime.getTime(), receipt.recordTime.getTime());
    assert.equal(found.documentable, true);
    assert.equal(found.intent?.goal, "sell");
    assert.deepEqual(found.context?.relatedEventIds, [cause.eventId]);
    for (const name of [
      "source",
      "idempotencyKey",
      "correlationId",
      "causationId",
      "actor",
      "userId",
    ] as const) {
      assert.equal(found[name], sent[name], name);
    }
    for (const name of [
      { position: receipt.position },
      { idempotencyKey: `fields-${run}` },
      { aggregate: found.aggregate, sequence: 2 },
    ]) {
      assert.equal((await client.get(name)).eventId, receipt.eventId);
    }
  });

  test("bytes come back byte for byte", async () => {
    const binary = Uint8Array.from({ length: 256 }, (_, n) => n);
    const contentType = "application/octet-stream";
    const sent = order("bytes", { data: undefined, binary, contentType });
    const found = await client.get((await client.emit(sent)).eventId);
    assert.deepEqual(new Uint8Array(found.binary ?? []), binary);
    assert.equal(found.contentType, contentType);
    assert.equal(found.data, undefined);
  });

  test("concurrent emits each get their own receipt, or their own error", async () => {
    const names = Array.from({ length: 300 }, (_, n) => `concurrent-${n}`);
    const results = await Promise.allSettled(
      names.map((name, n) => client.emit(order(name), n % 3 ? {} : { expect: 7 })),
    );
    for (const [n, result] of results.entries()) {
      if (n % 3) {
        assert.ok(result.status === "fulfilled" && result.value.sequence === 1n);
      } else {
        assert.ok(
          result.status === "rejected" && result.reason instanceof everlog.SequenceConflict,
        );
        assert.deepEqual(result.reason.aggregate, [`order-${run}`, names[n]]);
        assert.deepEqual([result.reason.expected, result.reason.actual], [7n, 0n]);
      }
    }
  });

  test("the same key answers with the original receipt, and other content is refused", async () => {
    const keyed = order("keyed", { idempotencyKey: `keyed-${run}` });
    const first = await client.emit(keyed);
    const second = await client.emit(keyed, { expect: "mustNotExist" });
    assert.deepEqual([first.deduplicated, second.deduplicated], [false, true]);
    assert.equal(second.position, first.position);
    await assert.rejects(client.emit({ ...keyed, data: { other: true } }), (error) => {
      assert.ok(error instanceof everlog.IdempotencyKeyReused);
      assert.equal(error.eventId, first.eventId);
      return true;
    });
    const mixture = [keyed, order("keyed", { idempotencyKey: `new-${run}` })];
    await assert.rejects(client.emitMany(mixture), everlog.IdempotencyKeysPartlyKnown);
    const receipts = await client.emitMany(mixture, { knownEvents: "skip" });
    assert.deepEqual(
      receipts.map(({ deduplicated }) => deduplicated),
      [true, false],
    );
  });

  test("a batch is stored whole or not at all", async () => {
    const bad = [order("atomic"), order("atomic", { eventType: "" })];
    await assert.rejects(client.emitMany(bad), (error) => {
      assert.ok(error instanceof everlog.InvalidEvent);
      assert.equal(error.fieldViolations[0]?.field, "events[1].event_type");
      return true;
    });
    const receipts = await client.emitMany([order("atomic"), order("atomic")], {
      expect: "mustNotExist",
    });
    assert.deepEqual(
      receipts.map(({ sequence }) => sequence),
      [1n, 2n],
    );
  });

  test("a stream of thousands is stored in its order, and replayed and queried whole", async () => {
    const aggregateType = `bulk-${run}`;
    const events = Array.from({ length: 5_000 }, (_, n) => ({
      eventType: n % 2 ? "bulk.odd" : "bulk.even",
      aggregate: [aggregateType, "1"] as const,
      data: { n },
    }));
    const outcomes = await collect(client.emitStream(events, { batchEvents: 100 }));
    assert.ok(outcomes.every(({ error }) => error === undefined));
    const aggregate = [aggregateType, "1"] as const;
    const replayed = await collect(client.replay({ aggregate }));
    assert.deepEqual(
      replayed.map(({ data }) => (data as { n: number }).n),
      events.map(({ data }) => data.n),
    );
    const bounds = { aggregate, afterSequence: 10, throughSequence: 20n };
    const backwards = await collect(client.replay({ ...bounds, direction: "backwards" }));
    assert.deepEqual(
      backwards.map(({ sequence }) => sequence),
      [20n, 19n, 18n, 17n, 16n, 15n, 14n, 13n, 12n, 11n],
    );
    const query = client.query(
      { aggregateTypes: [aggregateType], eventTypes: ["bulk.odd"] },
      { pageSize: 300, totalSize: true, order: "oldestFirst" },
    );
    const odd = await query.toArray();
    assert.equal(odd.length, 2_500);
    assert.equal(query.totalSize, 2_500n);
    assert.ok(odd.every(({ data }, at) => (data as { n: number }).n === 2 * at + 1));
    const exact = replayed[4_000]?.message.recordTime;
    const since = await collect(client.replay({ aggregate, fromTime: exact as everlog.Time }));
    assert.ok(since.length >= 1_000 && since.length < 5_000);
  });

  test("what came of an event comes with get, and with a query on request", async () => {
    const { eventId } = await client.emit(order("outcome"));
    assert.equal((await client.get(eventId)).outcome, undefined);
    const narratives = new NarrativeServiceClient(server.address, credentials.createInsecure());
    const request = RecordOutcomeRequest.fromPartial({ eventId, outcome: "shipped" });
    await new Promise<void>((resolve, reject) =>
      narratives.recordOutcome(request, (error) => (error ? reject(error) : resolve())),
    );
    narratives.close();
    assert.equal((await client.get(eventId)).outcome?.outcome, "shipped");
    const filter = { aggregate: [`order-${run}`, "outcome"] as const };
    const [silent] = await client.query(filter).toArray();
    assert.equal(silent?.outcome, undefined);
    const [told] = await client.query(filter, { outcomes: true }).toArray();
    assert.equal(told?.outcome?.number, 1n);
  });

  test("what is not there is told by its class", async () => {
    await assert.rejects(client.get(randomUUID()), everlog.EventNotFound);
    const none = client.replay({ aggregate: [`none-${run}`, "1"] });
    await assert.rejects(none.next(), everlog.AggregateNotFound);
    await using stranger = everlog.connect(server.address, { tenant: `nobody-${run}` });
    await assert.rejects(stranger.head(), everlog.TenantNotFound);
    const beyond = client.subscribe({ afterPosition: 2n ** 62n });
    await assert.rejects(beyond.next(), (error) => {
      assert.ok(error instanceof everlog.CursorBeyondHead);
      assert.equal(error.metadata.position, String(2n ** 62n));
      return true;
    });
  });

  test("min_position that does not come is told at the deadline", async () => {
    const { position } = await client.head();
    const read = client.head({ minPosition: position + 1_000_000n, timeoutMs: 300 });
    await assert.rejects(read, everlog.DeadlineExceeded);
  });

  test("a consumer's members take over from each other, and ask for nothing twice", async () => {
    const name = `consumer-${run}`;
    const filter = { aggregateTypes: [`order-${run}`], eventTypes: ["order.paid"] };
    assert.deepEqual(await client.createConsumer(name, { filter }), { existed: false });
    assert.deepEqual(await client.createConsumer(name, { filter }), { existed: true });
    await assert.rejects(client.createConsumer(name), everlog.ConsumerExists);
    const paid = (data: number) => order("consumed", { eventType: "order.paid", data });
    await client.emitMany([paid(1), paid(2)]);

    const seen: string[] = [];
    const failsOnce: everlog.Handler = ({ data }, { attempt }) => {
      seen.push(`${data}.${attempt}`);
      return attempt === 1 ? new everlog.Retry("again", { afterMs: 0 }) : undefined;
    };
    const consumption = client.consume(name, { "order.*": failsOnce });
    while (seen.length < 4) {
      await sleep(5);
    }
    assert.deepEqual(await consumption.stop(), { finished: 4, abandoned: 0 });
    assert.deepEqual(seen, ["1.1", "1.2", "2.1", "2.2"]);

    await client.emit(paid(3));
    for await (const delivery of client.deliveries(name)) {
      assert.deepEqual([delivery.event.data, delivery.attempt], [3, 1]);
      assert.equal(await delivery.ack(), true);
      break;
    }
    await assert.rejects(client.consume("nobody's", () => {}).done, everlog.ConsumerNotFound);
  });

  test("a subscription catches up, goes live, and ends when it is left", async () => {
    const filter = { aggregateTypes: [`live-${run}`] };
    const live = (n: number) => ({
      eventType: "a.b",
      aggregate: [`live-${run}`, "1"] as const,
      data: n,
    });
    const { position } = await client.head();
    await client.emitMany([live(1), live(2)]);
    const subscription = client.subscribe({ afterPosition: position, filter, marks: true });
    const first = await collect(
      { [Symbol.asyncIterator]: () => ({ next: () => subscription.next() }) },
      3,
    );
    assert.deepEqual(
      first.map((item) => item.constructor.name),
      ["RecordedEvent", "RecordedEvent", "CaughtUp"],
    );
    await client.emit(live(3));
    const [third] = await collect(subscription, 1);
    assert.ok(third && "data" in third && third.data === 3);
    const rest = client.subscribe({ ...subscription.cursor, filter });
    await client.emit(live(4));
    assert.deepEqual(
      (await collect(rest, 1)).map(({ data }) => data),
      [4],
    );
  });

  test("a subscription, a consumer and keyed emits survive restarts of the server", async (t) => {
    if (!server.restartable) {
      t.skip("the server is not ours to restart");
      return;
    }
    const aggregate = [`restart-${run}`, "1"] as const;
    const count = 400;
    const { position } = await client.head();
    const interruptions: string[] = [];
    const received = collect(
      client.subscribe({
        afterPosition: position,
        filter: { aggregate },
        onInterruption: (error) => interruptions.push(error.name),
      }),
      count,
    );
    await client.createConsumer(`restarts-${run}`, { filter: { aggregate } });
    const handled = new Set<unknown>();
    const consumption = client.consume(`restarts-${run}`, ({ data }) => handled.add(data));
    const emitting = (async () => {
      for (let n = 0; n < count; n++) {
        const idempotencyKey = `restart-${run}-${n}`;
        const event = { eventType: "a.b", aggregate, data: n, idempotencyKey };
        await client.emit(event, { timeoutMs: 60_000 });
        await sleep(5);
      }
    })();
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await sleep(600);
      await server.stop(signal);
      await server.serve();
    }
    await emitting;
    const found = await received;
    assert.deepEqual(
      found.map(({ data }) => data),
      Array.from({ length: count }, (_, n) => n),
    );
    assert.deepEqual(
      found.map(({ sequence }) => Number(sequence)),
      Array.from({ length: count }, (_, n) => n + 1),
    );
    assert.ok(interruptions.length >= 2, `interruptions: ${interruptions}`);
    while (handled.size < count) {
      await sleep(20);
    }
    await consumption.stop();
    // Each for the first time in its turn, whatever came again.
    assert.deepEqual(
      [...handled],
      Array.from({ length: count }, (_, n) => n),
    );
  });
});
