/** `emit` against a peer that answers late, out of order, not at all, or dies. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { status as Status } from "@grpc/grpc-js";

import * as everlog from "../src/index.js";
import { EmitStreamRequest } from "../src/v1.js";
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

function event(name = "1", idempotencyKey?: string): everlog.NewEvent {
  return { eventType: "a.b", aggregate: ["a", name], data: {}, idempotencyKey };
}

/** The aggregate ids of each message, in the order of arrival. */
function idsOf(server: ScriptedServer): string[][] {
  return server.requests.map(({ emits }: EmitStreamRequest) =>
    emits.map((emit) => emit.request?.events[0]?.aggregateId ?? ""),
  );
}

const diesAfterReading: EmitScript = async (messages) => {
  for await (const _ of messages) {
    throw Object.assign(new Error("Socket closed"), { code: Status.UNAVAILABLE });
  }
};

const silent: EmitScript = async (messages) => {
  for await (const _ of messages) {
    await forEver;
  }
};

/** Answers each emit as `answered` says. */
function answering(answered: (emit: never, n: number) => ReturnType<typeof answer>): EmitScript {
  let n = 0;
  return async (messages, call) => {
    for await (const { emits } of messages) {
      call.write({ answers: emits.map((emit) => answered(emit as never, n++)) });
    }
  };
}

test("an emit gives its receipt", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const receipt = await server.client().emit(event(), { expect: "mustNotExist" });
  assert.equal(receipt.position, 1n);
  assert.equal(receipt.eventId, "id-1");
  const [emit] = server.requests[0].emits;
  assert.equal(emit.request.expectedSequences[0].expected.$case, "mustNotExist");
});

test("every call names its tenant and token", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  await server.client({ tenant: "acme", token: "t" }).emit(event());
  assert.deepEqual(server.headers[0]?.get("everlog-tenant"), ["acme"]);
  assert.deepEqual(server.headers[0]?.get("authorization"), ["Bearer t"]);
});

test("concurrent emits share one stream and its messages", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const names = Array.from({ length: 50 }, (_, n) => String(n));
  const receipts = await Promise.all(names.map((name) => client.emit(event(name))));
  assert.deepEqual(
    receipts.map(({ position }) => Number(position)),
    names.map((name) => Number(name) + 1),
  );
  assert.deepEqual(server.calls, ["emitStream"]);
  assert.deepEqual(idsOf(server), [names]);
});

test("callers who go on after their answers travel together again", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const callers = Array.from({ length: 20 }, async (_, n) => {
    for (let round = 0; round < 5; round++) {
      await client.emit(event(`${n}.${round}`));
    }
  });
  await Promise.all(callers);
  assert.deepEqual(
    idsOf(server).map(({ length }) => length),
    [20, 20, 20, 20, 20],
  );
});

test("emits travel in the order of the calls", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const names = Array.from({ length: 2_500 }, (_, n) => String(n));
  await Promise.all(names.map((name) => client.emit(event(name))));
  const messages = idsOf(server);
  assert.deepEqual(messages.flat(), names);
  assert.ok(Math.max(...messages.map(({ length }) => length)) <= 1_000);
});

test("answers out of order reach those who asked", limits, async () => {
  const backwards: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      for (const emit of emits.reverse()) {
        call.write({ answers: [answer(emit, Number(emit.request?.events[0]?.aggregateId))] });
      }
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [backwards] });
  const client = server.client();
  const receipts = await Promise.all(["7", "8", "9"].map((name) => client.emit(event(name))));
  assert.deepEqual(
    receipts.map(({ position }) => position),
    [7n, 8n, 9n],
  );
});

test("a refused emit does not touch its neighbours", limits, async () => {
  const script = answering((emit, n) =>
    n === 1 ? refusal(emit, status("ABORTED", "SEQUENCE_CONFLICT")) : answer(emit, n),
  );
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const client = server.client();
  const [first, second, third] = await Promise.allSettled(
    ["0", "1", "2"].map((name) => client.emit(event(name))),
  );
  assert.equal(first?.status, "fulfilled");
  assert.ok(second?.status === "rejected" && second.reason instanceof everlog.SequenceConflict);
  assert.equal(third?.status, "fulfilled");
});

test("an answer to nobody is passed over", limits, async () => {
  const confused: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      const stranger = { requestId: 999n, answer: undefined };
      call.write({ answers: [stranger, ...emits.map((emit) => answer(emit, 1))] });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [confused] });
  assert.equal((await server.client().emit(event())).position, 1n);
});

test(
  "a broken stream fails those without keys, and the next call opens a new one",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [diesAfterReading, allWell] });
    const client = server.client();
    await assert.rejects(client.emit(event()), everlog.ConnectionLost);
    assert.equal((await client.emit(event())).position, 2n);
    assert.deepEqual(server.calls, ["emitStream", "emitStream"]);
  },
);

test("each caller gets an error of its own", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading] });
  const client = server.client();
  const results = await Promise.allSettled(["0", "1", "2"].map((name) => client.emit(event(name))));
  const errors = results.map((result) => (result as PromiseRejectedResult).reason);
  assert.ok(errors.every((error) => error instanceof everlog.ConnectionLost));
  assert.equal(new Set(errors).size, 3);
});

test("an answer that came before the stream broke counts", limits, async () => {
  const answersAndDies: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      call.write({ answers: emits.map((emit) => answer(emit, 1)) });
      fail("UNAVAILABLE", "SERVER_DRAINING");
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [answersAndDies] });
  assert.equal((await server.client({ backoff: false }).emit(event())).position, 1n);
});

test("keyed emits are sent again in their order", limits, async () => {
  const answersOneAndDies: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      call.write({ answers: [answer(emits[1] as never, 1)] });
      fail("UNAVAILABLE", "");
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [answersOneAndDies, allWell] });
  const client = server.client();
  await Promise.all(["0", "1", "2", "3"].map((name) => client.emit(event(name, `k${name}`))));
  assert.deepEqual(idsOf(server), [
    ["0", "1", "2", "3"],
    ["0", "2", "3"],
  ]);
});

test("a chosen event id makes an emit recognisable too", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading, allWell] });
  await server.client().emit({ eventType: "a.b", source: "s", eventId: "chosen" });
  assert.equal(server.calls.length, 2);
});

test("a key that the client makes is the same at every attempt", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading, allWell] });
  await server.client({ makeIdempotencyKeys: true }).emit(event());
  const keys = server.requests.map(({ emits }) => emits[0].request.events[0].idempotencyKey);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[0], "");
});

test("some events with keys do not make a request recognisable", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading, allWell] });
  const emit = server.client().emitMany([event("1", "k"), event("1")]);
  await assert.rejects(emit, everlog.ConnectionLost);
});

for (const [code, reason] of [
  ["UNAVAILABLE", "STORAGE_UNAVAILABLE"],
  ["UNAVAILABLE", "SERVER_DRAINING"],
  ["RESOURCE_EXHAUSTED", "OVERLOADED"],
] as const) {
  test(`${reason} is tried again, after the time that the server asked for`, limits, async () => {
    const later = answering((emit, n) =>
      n < 2 ? refusal(emit, status(code, reason, { retryAfterMs: 200 })) : answer(emit, 1),
    );
    await using server = await ScriptedServer.start({ emitStream: [later] });
    const began = performance.now();
    await server.client().emit(event());
    assert.ok(performance.now() - began >= 395);
    assert.deepEqual(server.calls, ["emitStream"]);
    assert.equal(server.requests.length, 3);
  });
}

test("COMMIT_UNKNOWN is told to those without keys", limits, async () => {
  const script = answering((emit) => refusal(emit, status("UNAVAILABLE", "COMMIT_UNKNOWN")));
  await using server = await ScriptedServer.start({ emitStream: [script] });
  await assert.rejects(server.client().emit(event()), everlog.CommitUnknown);
  assert.equal(server.requests.length, 1);
});

test("without an answer every emit ends at its own deadline", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [silent] });
  const client = server.client();
  const order: number[] = [];
  const emits = [1_500, 200, 100].map(async (timeoutMs) => {
    await assert.rejects(client.emit(event(), { timeoutMs }), everlog.DeadlineExceeded);
    order.push(timeoutMs);
  });
  await Promise.all(emits);
  assert.deepEqual(order, [100, 200, 1_500]);
});

test("an endless timeout waits, and does not overflow its timer", limits, async () => {
  const slow: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      await sleep(100);
      call.write({ answers: emits.map((emit) => answer(emit, 1)) });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [slow] });
  const client = server.client({ timeoutMs: Number.POSITIVE_INFINITY });
  await client.emit(event());
  await client.emit(event(), { timeoutMs: 2 ** 40 });
});

test("retries end at the deadline with what went wrong last", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading] });
  const emit = server.client().emit(event("1", "k"), { timeoutMs: 400 });
  await assert.rejects(emit, everlog.ConnectionLost);
  assert.ok(server.calls.length > 2, `${server.calls.length} attempts`);
});

test("without a backoff nothing is sent twice", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [diesAfterReading] });
  const client = server.client({ backoff: false });
  await assert.rejects(client.emit(event("1", "k")), everlog.ConnectionLost);
  assert.equal(server.calls.length, 1);
});

test("keyed emits survive a restart of the server", limits, async () => {
  const first = await ScriptedServer.start({ emitStream: [silent] });
  const client = first.client();
  const emit = client.emit(event("1", "k"));
  await first.arrived;
  first.cut();
  await using second = await ScriptedServer.start({ emitStream: [allWell] }, first.port);
  assert.equal((await emit).position, 1n);
  assert.equal(second.requests[0].emits[0].request.events[0].idempotencyKey, "k");
  await client.close();
});

test("a server that is not there is told at once to those without keys", limits, async () => {
  await using client = everlog.connect("127.0.0.1:9");
  const began = performance.now();
  await assert.rejects(client.emit(event()), everlog.ConnectionLost);
  assert.ok(performance.now() - began < 10_000);
});

test(
  "an aborted emit leaves the others alone, and is not sent if it was not yet",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [allWell] });
    const client = server.client();
    const abort = new AbortController();
    const kept = client.emit(event("kept"));
    const aborted = client.emit(event("aborted"), { signal: abort.signal });
    abort.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    assert.equal((await kept).position, 1n);
    assert.deepEqual(idsOf(server), [["kept"]]);
    const late = client.emit(event(), { signal: abort.signal });
    await assert.rejects(late, { name: "AbortError" });
  },
);

test("bytes in flight are bounded, and so are messages", limits, async () => {
  let allow = () => {};
  const allowed = new Promise<void>((resolve) => {
    allow = resolve;
  });
  const holdsBack: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      void allowed.then(() => call.write({ answers: emits.map((emit) => answer(emit, 1)) }));
    }
    await allowed;
  };
  await using server = await ScriptedServer.start({ emitStream: [holdsBack] });
  const client = server.client();
  const large = { eventType: "a.b", source: "s", binary: new Uint8Array(900_000) };
  const emits = Array.from({ length: 12 }, () => client.emit(large));
  await server.arrived;
  await sleep(700);
  assert.equal(server.requests.length, 4); // of 4 MiB
  allow();
  await Promise.all(emits);
  const sizes = server.requests.map((message) => EmitStreamRequest.encode(message).finish().length);
  assert.ok(sizes.every((size) => size <= 1024 * 1024));
});

test("closing fails those who still wait", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [silent] });
  const client = server.client();
  const waiting = client.emit(event("1", "k"));
  const failed = assert.rejects(waiting, everlog.ConnectionLost);
  await server.arrived;
  await client.close();
  await failed;
});

test("a closed client says so, and may be closed again", limits, async () => {
  const client = everlog.connect("127.0.0.1:9");
  assert.equal(client.closed, false);
  await client.close();
  assert.equal(client.closed, true);
  await assert.rejects(client.emit(event()), /the client is closed/);
  await client.close();
});

test(
  "a failed emit does not keep the process alive until its time would be over",
  limits,
  async () => {
    const program = `
    import { connect } from "./index.js";
    const client = connect("127.0.0.1:1", { backoff: false, timeoutMs: 60_000 });
    await client.emit({ eventType: "a.b", source: "s" }).catch((error) => console.log(error.name));
  `;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", program],
      { cwd: new URL("../src", import.meta.url), timeout: 10_000 },
    );
    assert.equal(stdout, "ConnectionLost\n");
  },
);
