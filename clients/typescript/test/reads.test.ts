/** Unary reads and replays against a peer that is away, busy, or breaks off. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as everlog from "../src/index.js";
import { GetHeadResponse, GetResponse, QueryResponse, ReplayResponse } from "../src/v1.js";
import { events, fail, forEver, ScriptedServer } from "./scripted-server.js";

const limits = { timeout: 20_000 };

const head = async () => GetHeadResponse.fromPartial({ position: 2n ** 53n + 1n, eventId: "e" });

const page = (token: string, ...positions: number[]) =>
  QueryResponse.fromPartial({
    events: events(...positions),
    nextPageToken: token,
    throughPosition: 9n,
  });

test("positions are exact beyond 2^53", limits, async () => {
  await using server = await ScriptedServer.start({ getHead: [head] });
  const found = await server.client().head();
  assert.equal(found.position, 9007199254740993n);
  assert.equal(found.recordTime, undefined);
});

test("a read is tried again while the server is unavailable", limits, async () => {
  const away = async () => fail("UNAVAILABLE", "STORAGE_UNAVAILABLE", { retryAfterMs: 100 });
  await using server = await ScriptedServer.start({ getHead: [away, away, head] });
  const began = performance.now();
  await server.client().head();
  assert.equal(server.calls.length, 3);
  assert.ok(performance.now() - began >= 195);
});

test(
  "a read is tried again until its time is over, and says then what was wrong",
  limits,
  async () => {
    const away = async () => fail("UNAVAILABLE", "STORAGE_UNAVAILABLE");
    await using server = await ScriptedServer.start({ getHead: [away] });
    const read = server.client().head({ timeoutMs: 300 });
    await assert.rejects(read, everlog.StorageUnavailable);
    assert.ok(server.calls.length > 2);
  },
);

test("a silent server is not waited for beyond the deadline", limits, async () => {
  await using server = await ScriptedServer.start({ getHead: [() => forEver] });
  await assert.rejects(server.client({ timeoutMs: 200 }).head(), everlog.DeadlineExceeded);
});

test("a refusal is not asked for twice", limits, async () => {
  const none = async () => fail("NOT_FOUND", "EVENT_NOT_FOUND");
  await using server = await ScriptedServer.start({ get: [none] });
  await assert.rejects(server.client().get({ position: 7 }), everlog.EventNotFound);
  assert.equal(server.calls.length, 1);
});

test("an aborted read ends at once, also between two attempts", limits, async () => {
  const away = async () => fail("UNAVAILABLE", "STORAGE_UNAVAILABLE", { retryAfterMs: 60_000 });
  await using server = await ScriptedServer.start({ getHead: [() => forEver], get: [away] });
  const client = server.client({ timeoutMs: 600_000 });
  for (const read of [
    (signal: AbortSignal) => client.head({ signal }),
    (signal: AbortSignal) => client.get("e", { signal }),
  ]) {
    const signal = AbortSignal.timeout(100);
    await assert.rejects(read(signal), { name: "TimeoutError" });
  }
});

test("an event is got", limits, async () => {
  const found = async () => GetResponse.fromPartial({ event: events(3)[0] });
  await using server = await ScriptedServer.start({ get: [found] });
  const event = await server.client().get({ aggregate: ["a", "1"], sequence: 3 });
  assert.equal(event.position, 3n);
});

test("a query fetches its pages by itself, empty ones among them", limits, async () => {
  const pages = [page("1", 9, 8), page("2"), page("", 7)];
  await using server = await ScriptedServer.start({
    query: pages.map((given) => async () => given),
  });
  const query = server.client().query({ keyword: "late" }, { pageSize: 2 });
  const found = await query.toArray();
  assert.deepEqual(
    found.map(({ position }) => position),
    [9n, 8n, 7n],
  );
  assert.equal(query.throughPosition, 9n);
  assert.equal(query.totalSize, undefined);
  assert.deepEqual(
    server.requests.map(({ pageToken }) => pageToken),
    ["", "1", "2"],
  );
  assert.ok(server.requests.every(({ filter }) => filter.keyword === "late"));
});

test("a limit bounds pages and events", limits, async () => {
  const pages = [page("1", 9, 8), page("2", 7)];
  await using server = await ScriptedServer.start({
    query: pages.map((given) => async () => given),
  });
  const found = await server.client().query({}, { pageSize: 2, limit: 3 }).toArray();
  assert.equal(found.length, 3);
  assert.deepEqual(
    server.requests.map(({ pageSize }) => pageSize),
    [2, 1],
  );
});

test("leaving a query fetches no further page", limits, async () => {
  await using server = await ScriptedServer.start({ query: [async () => page("more", 9, 8)] });
  for await (const event of server.client().query()) {
    assert.equal(event.position, 9n);
    break;
  }
  assert.equal(server.calls.length, 1);
});

test("a replay gives its events and ends", limits, async () => {
  await using server = await ScriptedServer.start({
    replay: [
      async (_, call) => {
        call.write(ReplayResponse.fromPartial({ events: events(1, 2), examinedPosition: 2n }));
        call.write(ReplayResponse.fromPartial({ examinedPosition: 5n }));
        call.write(ReplayResponse.fromPartial({ events: events(6), examinedPosition: 6n }));
      },
    ],
  });
  const positions: bigint[] = [];
  for await (const event of server.client().replay({ aggregate: ["a", "1"], maxEvents: 9 })) {
    positions.push(event.position);
  }
  assert.deepEqual(positions, [1n, 2n, 6n]);
  assert.deepEqual(server.requests[0].aggregate, { aggregateType: "a", aggregateId: "1" });
});

test("an interrupted replay gives what came, then throws", limits, async () => {
  await using server = await ScriptedServer.start({
    replay: [
      async (_, call) => {
        call.write(ReplayResponse.fromPartial({ events: events(1, 2) }));
        fail("UNAVAILABLE", "SERVER_DRAINING");
      },
    ],
  });
  const positions: bigint[] = [];
  await assert.rejects(async () => {
    for await (const event of server.client().replay()) {
      positions.push(event.position);
    }
  }, everlog.ServerDraining);
  assert.deepEqual(positions, [1n, 2n]);
});

test("leaving or aborting a replay cancels the call", limits, async () => {
  await using server = await ScriptedServer.start({
    replay: [
      async (_, call) => {
        call.write(ReplayResponse.fromPartial({ events: events(1, 2) }));
        await forEver;
      },
    ],
  });
  const client = server.client();
  for await (const _ of client.replay()) {
    break;
  }
  const abort = new AbortController();
  const replay = client.replay({ signal: abort.signal });
  await replay.next();
  await replay.next();
  const waiting = replay.next();
  abort.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  while (server.cancelled < 2) {
    await sleep(10);
  }
});

test("a slow reader holds the server back", limits, async () => {
  let written = 0;
  const large = events(1);
  (large[0] as (typeof large)[number]).payload = { $case: "binary", value: Buffer.alloc(500_000) };
  await using server = await ScriptedServer.start({
    replay: [
      async (_, call) => {
        for (; written < 200; written++) {
          if (!call.write(ReplayResponse.fromPartial({ events: large }))) {
            await new Promise((resolve) => call.once("drain", resolve));
          }
        }
      },
    ],
  });
  const replay = server.client().replay();
  await replay.next();
  await sleep(500);
  assert.ok(written < 100, `${written} of 200 messages of 500 kB were taken unread`);
  await replay.return();
});
