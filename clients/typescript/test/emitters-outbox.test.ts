/** The way of events from an emitter to a server that refuses, is slow, full, lost, or gone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { connect } from "../src/index.js";
import type { EmitStreamRequest } from "../src/v1.js";
import {
  attached,
  contents,
  type EmitScript,
  message,
  refusing,
  slow,
  until,
} from "./emitters-world.js";
import { allWell, answer, fail, ScriptedServer, status } from "./scripted-server.js";

const limits = { timeout: 20_000 };

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));

/** Reads everything, and answers nothing. */
const silent: EmitScript = async (messages) => {
  for await (const _ of messages) {
  }
};

function emitAll(emitter: NodeJS.EventEmitter, count: number): void {
  for (let n = 0; n < count; n++) {
    emitter.emit("message", message(n));
  }
}

test(
  "what is emitted in one turn travels in order, at most 500 events at once",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [allWell] });
    const { emitter, attachment } = attached(server.client());
    emitAll(emitter, 1_200);
    assert.equal(await attachment.flush(), true);
    const batches = contents(server.requests);
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [500, 500, 200],
    );
    assert.deepEqual(batches.flat(), numbers(1_200));
    assert.deepEqual(attachment.stats, {
      stored: 1_200,
      deduplicated: 0,
      dropped: 0,
      failed: 0,
      buffered: 0,
    });
  },
);

test("a batch has at most 1 MiB, except for one larger event", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const { emitter, attachment } = attached(server.client());
  const sizes = [500_000, 500_000, 500_000, 1_048_500, 10];
  for (const [n, size] of sizes.entries()) {
    emitter.emit("message", message(n, { content: "x".repeat(size) }));
  }
  assert.equal(await attachment.flush(), true);
  assert.deepEqual(
    contents(server.requests).map((batch) => batch.map((content) => String(content).length)),
    [[500_000, 500_000], [500_000], [1_048_500], [10]],
  );
});

test("the next batch waits for the answer to the one before", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [slow(30)] });
  const { emitter, attachment } = attached(server.client());
  for (let n = 0; n < 10; n++) {
    emitter.emit("message", message(n));
    await sleep(10);
  }
  assert.equal(await attachment.flush(), true);
  const batches = contents(server.requests);
  assert.deepEqual(batches.flat(), numbers(10));
  assert.ok(batches.length < 8, `${batches.length} batches`);
});

test("an event that is refused for good costs only itself", limits, async () => {
  const stored: string[] = [];
  const invalid = status("INVALID_ARGUMENT", "INVALID_EVENT", { message: "events[0].json is bad" });
  const script = refusing(["3", "4", "750"], invalid, stored);
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment, lines } = attached(server.client());
  emitAll(emitter, 1_000);
  assert.equal(await attachment.flush(), true);
  const good = numbers(1_000).filter((n) => !["3", "4", "750"].includes(n));
  assert.deepEqual(stored, good);
  assert.deepEqual(
    [attachment.stats.stored, attachment.stats.failed, attachment.stats.buffered],
    [997, 3, 0],
  );
  // One line for a kind in a while, though there were three.
  assert.deepEqual(lines.said, [
    "everlog: world w1: message.published with key w1/message:m3:published is refused for good: " +
      "InvalidEvent: events[0].json is bad",
  ]);
});

test("a key that the log has for other content is refused for good, too", limits, async () => {
  const script = refusing(["1"], status("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED"));
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment } = attached(server.client());
  emitAll(emitter, 3);
  assert.equal(await attachment.flush(), true);
  assert.deepEqual([attachment.stats.stored, attachment.stats.failed], [2, 1]);
});

test("a defect that one event sets off is the end of that event alone", limits, async () => {
  const script = refusing(["1"], status("INTERNAL", "INTERNAL"));
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment } = attached(server.client());
  emitAll(emitter, 4);
  assert.equal(await attachment.flush(), true);
  assert.deepEqual([attachment.stats.stored, attachment.stats.failed], [3, 1]);
});

test("a defect that passes costs nothing", limits, async () => {
  let failures = 2;
  const script: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      if (failures-- > 0) {
        fail("INTERNAL", "INTERNAL");
      }
      call.write({ answers: emits.map((emit) => answer(emit, 1)) });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment } = attached(server.client());
  emitAll(emitter, 4);
  assert.equal(await attachment.flush(), true);
  assert.deepEqual([attachment.stats.stored, attachment.stats.failed], [4, 0]);
  assert.deepEqual(
    contents(server.requests).map((batch) => batch.length),
    [4, 4, 4],
  );
});

for (const [code, reason] of [
  ["UNAUTHENTICATED", "UNAUTHENTICATED"],
  ["PERMISSION_DENIED", "PERMISSION_DENIED"],
  ["NOT_FOUND", "TENANT_NOT_FOUND"],
  ["UNIMPLEMENTED", ""],
  ["RESOURCE_EXHAUSTED", "OVERLOADED"],
  ["UNAVAILABLE", "COMMIT_UNKNOWN"],
] as const) {
  test(`${reason || code} is no event's fault: all wait until it is over`, limits, async () => {
    let refusals = 8;
    const script: EmitScript = async (messages, call) => {
      for await (const { emits } of messages) {
        if (refusals-- > 0) {
          fail(code, reason);
        }
        call.write({ answers: emits.map((emit) => answer(emit, 1)) });
      }
    };
    await using server = await ScriptedServer.start({ emitStream: [script] });
    const { emitter, attachment } = attached(server.client({ backoff: false }));
    emitAll(emitter, 4);
    assert.equal(await attachment.flush(), true);
    assert.deepEqual([attachment.stats.stored, attachment.stats.failed], [4, 0]);
    assert.deepEqual(new Set(contents(server.requests).map(String)), new Set(["0,1,2,3"]));
  });
}

test("when an answer is lost, the same events go again with the same keys", limits, async () => {
  const lost: EmitScript = async (messages) => {
    for await (const _ of messages) {
      fail("UNAVAILABLE", "");
    }
  };
  const known: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      const answers = emits.map((emit) => answer(emit, 1));
      for (const { answer: given } of answers) {
        if (given?.$case === "response") {
          given.value.receipts.forEach((receipt, index) => {
            receipt.deduplicated = index < 2;
          });
        }
      }
      call.write({ answers });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [lost, lost, known] });
  const { emitter, attachment, lines } = attached(server.client({ backoff: false }));
  emitAll(emitter, 2);
  await server.arrived;
  emitter.emit("message", message(2));
  assert.equal(await attachment.flush(), true);
  const keys = (server.requests as EmitStreamRequest[]).map(({ emits }) =>
    emits[0]?.request?.events.map(({ idempotencyKey }) => idempotencyKey),
  );
  assert.deepEqual(keys[0], ["w1/message:m0:published", "w1/message:m1:published"]);
  assert.deepEqual(keys.at(-1), [...(keys[0] ?? []), "w1/message:m2:published"]);
  assert.deepEqual([attachment.stats.stored, attachment.stats.deduplicated], [1, 2]);
  assert.match(lines.said[0] ?? "", /^everlog: world w1: .*; \d events \(\d+ bytes\) wait$/);
  assert.equal(lines.said.length, 1);
});

test("an attempt without an answer is made again after attemptTimeoutMs", limits, async () => {
  let silent = true;
  const script: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      if (!silent) {
        call.write({ answers: emits.map((emit) => answer(emit, 1)) });
      }
      silent = false;
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment, lines } = attached(server.client(), { attemptTimeoutMs: 50 });
  emitAll(emitter, 3);
  assert.equal(await attachment.flush(), true);
  assert.deepEqual(contents(server.requests), [numbers(3), numbers(3)]);
  assert.match(lines.said[0] ?? "", /DeadlineExceeded: no answer came in time; 3 events/);
});

test(
  "the buffer is bounded by events: the newest is dropped, counted, and told",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [silent] });
    const dropped: [unknown, string][] = [];
    const { emitter, attachment, lines } = attached(server.client(), {
      bufferEventsMax: 5,
      onDropped: (event, channel) => dropped.push([event, channel]),
    });
    const events = Array.from({ length: 8 }, (_, n) => message(n));
    for (const event of events) {
      emitter.emit("message", event);
    }
    assert.deepEqual([attachment.stats.buffered, attachment.stats.dropped], [5, 3]);
    assert.deepEqual(
      dropped,
      events.slice(5).map((event) => [event, "message"]),
    );
    assert.equal(lines.said.length, 1);
    assert.match(
      lines.said[0] ?? "",
      /dropped a message event, 1 in all: 5 events \(\d+ bytes\) wait/,
    );
    const { unstored, stats } = await attachment.close(50);
    assert.deepEqual(
      unstored.map(({ idempotencyKey }) => idempotencyKey),
      numbers(5).map((n) => `w1/message:m${n}:published`),
    );
    assert.deepEqual([stats.buffered, stats.dropped, stats.stored], [5, 3, 0]);
    assert.equal(lines.about("closed with 5 events not stored").length, 1);
  },
);

test(
  "the buffer is bounded by bytes: what is too large is dropped, what fits is not",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [silent] });
    const { emitter, attachment } = attached(server.client(), { bufferBytesMax: 100_000 });
    for (const size of [60_000, 60_000, 10_000]) {
      emitter.emit("message", message(size, { content: "x".repeat(size) }));
    }
    assert.deepEqual([attachment.stats.buffered, attachment.stats.dropped], [2, 1]);
    await attachment.close(10);
  },
);

test("room is made by what is stored", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const { emitter, attachment } = attached(server.client(), { bufferEventsMax: 5 });
  for (let n = 0; n < 20; n++) {
    emitter.emit("message", message(n));
    if (n % 5 === 4) {
      assert.equal(await attachment.flush(), true);
    }
  }
  assert.deepEqual([attachment.stats.stored, attachment.stats.dropped], [20, 0]);
});

test("what onDropped emits itself leads to no endless tale", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [silent] });
  const emitters: NodeJS.EventEmitter[] = [];
  let told = 0;
  const { emitter, attachment } = attached(server.client(), {
    bufferEventsMax: 1,
    onDropped: () => {
      told += 1;
      emitters[0]?.emit("system", { content: "dropped" });
    },
  });
  emitters.push(emitter);
  emitAll(emitter, 3);
  assert.deepEqual([told, attachment.stats.dropped], [2, 4]);
  await attachment.close(10);
});

test("flush is told when time is over, and goes on waiting for nobody", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [slow(200)] });
  const { emitter, attachment } = attached(server.client());
  emitAll(emitter, 1);
  assert.equal(await attachment.flush(20), false);
  assert.equal(await attachment.flush(), true);
  assert.equal(await attachment.flush(0), true);
});

test("flush waits for what was emitted before it, not for what comes after", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [slow(20)] });
  const { emitter, attachment } = attached(server.client());
  let n = 0;
  const timer = setInterval(() => emitter.emit("message", message(n++)), 1);
  await sleep(50);
  const before = n;
  assert.equal(await attachment.flush(), true);
  assert.ok(attachment.stats.stored >= before);
  clearInterval(timer);
  await attachment.close();
});

test("close waits for what is buffered, once for all who close", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [slow(50)] });
  const { emitter, attachment } = attached(server.client());
  emitAll(emitter, 700);
  const [first, second] = await Promise.all([attachment.close(), attachment.close()]);
  assert.equal(first, second);
  assert.deepEqual([first.unstored, first.stats.stored], [[], 700]);
  assert.equal(emitter.listenerCount("message"), 0);
});

test("close does not sit out a long pause between attempts", limits, async () => {
  let open = false;
  const script: EmitScript = async (messages, call) => {
    for await (const { emits } of messages) {
      if (!open) {
        fail("UNAVAILABLE", "STORAGE_UNAVAILABLE");
      }
      call.write({ answers: emits.map((emit) => answer(emit, 1)) });
    }
  };
  await using server = await ScriptedServer.start({ emitStream: [script] });
  const { emitter, attachment, lines } = attached(server.client({ backoff: false }), {
    backoff: { initialMs: 3_600_000, maxMs: 3_600_000 },
  });
  emitAll(emitter, 1);
  await until(() => lines.said.length === 1);
  open = true;
  const { stats } = await attachment.close();
  assert.deepEqual([stats.stored, stats.buffered], [1, 0]);
});

test(
  "with the client closed nothing is tried any more, and close says at once what is left",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [silent] });
    const client = server.client();
    const { emitter, attachment, lines } = attached(client);
    emitAll(emitter, 2);
    await server.arrived;
    const flushed = attachment.flush();
    await client.close();
    assert.equal(await flushed, false);
    emitter.emit("message", message(2));
    const { unstored } = await attachment.close(3_600_000);
    assert.equal(unstored.length, 3);
    assert.equal(lines.about("the client is closed, 2 events").length, 1);
  },
);

test("a server that is down delays nobody, and is told in the log", limits, async () => {
  const client = connect("127.0.0.1:1", { backoff: { initialMs: 10, maxMs: 50 } });
  const { emitter, attachment, lines } = attached(client, { attemptTimeoutMs: 100 });
  let heard = 0;
  emitter.on("message", () => (heard += 1));
  emitAll(emitter, 100);
  assert.equal(heard, 100);
  await until(() => lines.said.length > 0);
  assert.match(lines.said[0] ?? "", /ConnectionLost: .*; 100 events/);
  const { unstored } = await attachment.close(50);
  assert.equal(unstored.length, 100);
  await client.close();
});
