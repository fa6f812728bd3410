/** Emitters against a real server: up, down, standing still, killed and coming back. */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { type WorldEventsOptions, worldEvents } from "../src/emitters/index.js";
import { type Client, connect, type RecordedEvent } from "../src/index.js";
import { attached, message, until } from "./emitters-world.js";
import { EverlogServer, missing } from "./everlog-server.js";

const FLUSH_MS = 60_000;

/** A world that no other test and no other run has. */
const newWorld = () => `w-${randomUUID()}`;

const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n));

describe("emitters and a real server", { skip: missing ?? false, timeout: 120_000 }, () => {
  let server: EverlogServer;
  let client: Client;

  before(async () => {
    server = await EverlogServer.start();
    client = connect(`everlog://${server.address}`, { backoff: { initialMs: 20, maxMs: 200 } });
  });

  after(async () => {
    await client?.close();
    await server?.[Symbol.asyncDispose]();
  });

  async function stored(options: WorldEventsOptions): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of worldEvents(client, options)) {
      events.push(event);
    }
    return events;
  }

  const contentOf = ({ data }: RecordedEvent) => (data as { content: unknown }).content;

  /** Asserts that messages 0 to count - 1 are stored, once each, in order. */
  async function assertWhole(world: string, count: number): Promise<void> {
    const events = await stored({ world, chat: "c1" });
    assert.deepEqual(events.map(contentOf), numbers(count));
    assert.deepEqual(
      events.map(({ sequence }) => Number(sequence)),
      Array.from({ length: count }, (_, n) => n + 1),
    );
  }

  test("a world's life is stored by world and chat, each in its order", async () => {
    const world = newWorld();
    const { emitter, attachment, lines } = attached(client, { world });
    const agentName = "a1";
    const chatId = "c1";
    const timestamp = new Date("2026-03-01T12:00:00Z");
    const tool = { toolName: "ls", toolCallId: "t1" };
    emitter.emit("system", { content: "chat opened", messageId: "s1", timestamp, chatId });
    emitter.emit("message", {
      content: "hi\0",
      sender: "human",
      messageId: "m1",
      timestamp,
      chatId,
    });
    emitter.emit("sse", { type: "start", agentName, messageId: "m2" });
    emitter.emit("sse", { type: "chunk", agentName, messageId: "m2", content: "he" });
    emitter.emit("world", {
      type: "tool-start",
      agentName,
      messageId: "m2",
      toolExecution: { ...tool, input: { path: "/" } },
    });
    emitter.emit("world", {
      type: "tool-result",
      agentName,
      messageId: "m2",
      toolExecution: { ...tool, result: new Map([["files", 3n]]), error: new Error("none") },
    });
    emitter.emit("sse", { type: "end", agentName, messageId: "m2", usage: { totalTokens: 7 } });
    emitter.emit("message", { content: "hello", agentName, sender: "a1", messageId: "m2", chatId });
    assert.equal(await attachment.flush(), true);
    assert.deepEqual(lines.said, []);
    assert.deepEqual(attachment.stats.stored, 7);

    const inChat = await stored({ world, chat: chatId });
    assert.deepEqual(
      inChat.map(({ eventType, data, actor }) => [eventType, data, actor]),
      [
        ["system.published", "chat opened", ""],
        ["message.published", { content: "hi\uFFFD", sender: "human" }, "user:human"],
        ["message.published", { content: "hello", agentName: "a1", sender: "a1" }, "agent:a1"],
      ],
    );
    assert.deepEqual(inChat[1]?.aggregate, ["chat", `${world}/c1`]);
    assert.deepEqual(inChat[1]?.occurredTime, timestamp);
    assert.deepEqual(inChat[1]?.metadata, {
      world_id: world,
      chat_id: "c1",
      channel: "message",
      sender: "human",
    });

    const beside = await stored({ world });
    assert.deepEqual(
      beside.map(({ eventType, sequence, correlationId }) => [eventType, sequence, correlationId]),
      [
        ["sse.start", 1n, "m2"],
        ["tool.start", 2n, "m2"],
        ["tool.result", 3n, "m2"],
        ["sse.end", 4n, "m2"],
      ],
    );
    assert.deepEqual(beside[2]?.data, {
      type: "tool-result",
      agentName,
      toolExecution: {
        ...tool,
        result: { files: "3" },
        error: { name: "Error", message: "none" },
      },
    });
    const found = await client.get({ idempotencyKey: `${world}/world:m2:tool-result` });
    assert.equal(found.eventId, beside[2]?.eventId);
  });

  test("whatever JSON is made of, the log takes", async () => {
    const world = newWorld();
    const { emitter, attachment, lines } = attached(client, { world });
    let nested: unknown = "deep";
    for (let level = 0; level < 999; level++) {
      nested = [nested];
    }
    const odd: unknown[] = [
      nested,
      [Number.MAX_VALUE, Number.MIN_VALUE, -0, NaN, 1e21, 0.1 + 0.2, 2n ** 200n],
      { "\0": "\0", ["🎉".slice(1)]: "🎉".slice(0, 1), "": "\u2028\u007f\u001f" },
      JSON.parse('{"__proto__":{"toJSON":1},"constructor":2}'),
      new Error("\uD800\0"),
      [undefined, () => 1, Symbol("s"), new Date(NaN), new Map([[{}, new Set([[]])]])],
    ];
    for (const [n, value] of odd.entries()) {
      emitter.emit("world", { value, messageId: `\0\uD800${n}`, sender: "\0", type: "\uDC00" });
      emitter.emit("world", value);
    }
    assert.equal(await attachment.flush(), true);
    assert.deepEqual(lines.said, []);
    assert.equal(attachment.stats.stored, 2 * odd.length);
    const events = await stored({ world });
    const [, , , numbersBack] = events;
    const digits = String(2n ** 200n);
    assert.deepEqual(numbersBack?.data, [
      Number.MAX_VALUE,
      5e-324,
      0,
      null,
      1e21,
      0.1 + 0.2,
      digits,
    ]);
    assert.equal(events[2]?.eventType, "world.\uFFFD");
  });

  test("events are read back since a sequence, since a time, by type, and so many", async () => {
    const world = newWorld();
    const { emitter, attachment } = attached(client, { world, chunks: true });
    emitter.emit("sse", { type: "start", messageId: "m1", chatId: "c1" });
    emitter.emit("message", message(0));
    assert.equal(await attachment.flush(), true);
    const [, second] = await stored({ world, chat: "c1" });
    await sleep(5);
    emitter.emit("sse", { type: "end", messageId: "m1", chatId: "c1" });
    emitter.emit("message", message(1));
    emitter.emit("tool", { type: "tool-start", messageId: "m1", chatId: "c1" });
    assert.equal(await attachment.flush(), true);
    const sequences = async (options: Omit<WorldEventsOptions, "world" | "chat">) =>
      (await stored({ world, chat: "c1", ...options })).map(({ sequence }) => Number(sequence));
    assert.deepEqual(await sequences({}), [1, 2, 3, 4, 5]);
    assert.deepEqual(await sequences({ sinceSequence: 2 }), [3, 4, 5]);
    assert.deepEqual(await sequences({ sinceSequence: 3n, limit: 1 }), [4]);
    assert.deepEqual(await sequences({ sinceSequence: 5 }), []);
    assert.deepEqual(await sequences({ types: ["sse"] }), [1, 3]);
    assert.deepEqual(await sequences({ types: ["sse.end", "tool.*"] }), [3, 5]);
    assert.deepEqual(await sequences({ types: ["message", "tool"], sinceSequence: 2 }), [4, 5]);
    assert.deepEqual(await sequences({ limit: 2 }), [1, 2]);
    assert.deepEqual(await sequences({ limit: 0 }), []);
    const time = second?.message.recordTime;
    const since = await sequences({ sinceTime: time as NonNullable<typeof time> });
    assert.deepEqual(since.slice(-3), [3, 4, 5]);
    const after = new Date((second as RecordedEvent).recordTime.getTime() + 1);
    assert.deepEqual(await sequences({ sinceTime: after }), [3, 4, 5]);
    assert.deepEqual(await sequences({ sinceTime: after, sinceSequence: 4 }), [5]);
  });

  test("of a world or a chat without events there are none", async () => {
    assert.deepEqual(await stored({ world: newWorld() }), []);
    assert.deepEqual(await stored({ world: newWorld(), chat: "c1", types: ["sse"] }), []);
    await using stranger = connect(server.address, { tenant: `nobody-${randomUUID()}` });
    for await (const event of worldEvents(stranger, { world: "w1" })) {
      assert.fail(`${event.eventType} of a tenant that is not there`);
    }
  });

  test("the chat of one world is not read in another, slashes or not", async () => {
    const world = newWorld();
    const outer = attached(client, { world });
    const inner = attached(client, { world: `${world}/x` });
    outer.emitter.emit("message", { content: "outer", messageId: "m1", chatId: "x/c" });
    inner.emitter.emit("message", { content: "inner", messageId: "m1", chatId: "c" });
    await Promise.all([outer.attachment.flush(), inner.attachment.flush()]);
    assert.deepEqual((await stored({ world, chat: "x/c" })).map(contentOf), ["outer"]);
    assert.deepEqual((await stored({ world: `${world}/x`, chat: "c" })).map(contentOf), ["inner"]);
  });

  test("what another process has stored is recognised, and other content is refused", async () => {
    const world = newWorld();
    const first = attached(client, { world });
    first.emitter.emit("message", message(0));
    await first.attachment.close();
    await using restarted = connect(server.address);
    const { emitter, attachment, lines } = attached(restarted, { world });
    emitter.emit("message", message(0));
    emitter.emit("message", message(1, { messageId: "m0" }));
    emitter.emit("message", message(2));
    const { stats } = await attachment.close();
    // The second one is the second of its id here, and so has a key of its own.
    assert.deepEqual(stats, { stored: 2, deduplicated: 1, dropped: 0, failed: 0, buffered: 0 });
    await using again = connect(server.address);
    const edited = attached(again, { world });
    edited.emitter.emit("message", message(7, { messageId: "m0" }));
    edited.emitter.emit("message", message(3));
    const { stats: editedStats } = await edited.attachment.close();
    assert.deepEqual([editedStats.stored, editedStats.failed], [1, 1]);
    assert.match(edited.lines.said[0] ?? "", /message:m0:published is refused for good/);
    assert.deepEqual(lines.said, []);
    const contents = (await stored({ world, chat: "c1" })).map(contentOf);
    assert.deepEqual(contents, ["0", "1", "2", "3"]);
  });

  test("thousands of events of many chats are stored, each chat in its order", async () => {
    const world = newWorld();
    const { emitter, attachment } = attached(client, { world });
    for (let n = 0; n < 5_000; n++) {
      emitter.emit("message", message(n, { chatId: `c${n % 7}` }));
    }
    assert.equal(await attachment.flush(FLUSH_MS), true);
    assert.equal(attachment.stats.stored, 5_000);
    for (let chat = 0; chat < 7; chat++) {
      const contents = (await stored({ world, chat: `c${chat}` })).map(contentOf);
      assert.deepEqual(
        contents,
        numbers(5_000).filter((_, n) => n % 7 === chat),
      );
    }
  });

  const elsewhere = process.env.EVERLOG_TEST_ADDRESS ? "the server is not ours to stop" : false;

  describe("that comes and goes", { skip: elsewhere }, () => {
    test("what is emitted while it is down is stored when it comes back", async () => {
      await server.stop();
      const world = newWorld();
      const { emitter, attachment, lines } = attached(client, { world, attemptTimeoutMs: 300 });
      for (let n = 0; n < 600; n++) {
        emitter.emit("message", message(n));
      }
      assert.equal(await attachment.flush(50), false);
      await until(() => lines.about("600 events").length === 1);
      await server.serve();
      for (let n = 600; n < 700; n++) {
        emitter.emit("message", message(n));
      }
      assert.equal(await attachment.flush(FLUSH_MS), true);
      const { stored: count, deduplicated, failed } = attachment.stats;
      assert.deepEqual([count + deduplicated, failed], [700, 0]);
      await assertWhole(world, 700);
    });

    test("while it stands still nobody waits, the buffer fills, and the rest is stored once", async () => {
      const world = newWorld();
      const { emitter, attachment, lines } = attached(client, {
        world,
        attemptTimeoutMs: 300,
        bufferEventsMax: 1_000,
      });
      emitter.emit("message", message(0));
      assert.equal(await attachment.flush(), true);
      server.freeze();
      let heard = 0;
      emitter.on("message", () => (heard += 1));
      for (let n = 1; n < 1_201; n++) {
        emitter.emit("message", message(n));
      }
      assert.equal(heard, 1_200);
      assert.equal(attachment.stats.dropped, 200);
      // Several attempts of the same batch, of which the server will find all.
      await sleep(1_500);
      assert.equal(attachment.stats.stored, 1);
      server.thaw();
      assert.equal(await attachment.flush(FLUSH_MS), true);
      const { stored: count, deduplicated, failed, dropped } = attachment.stats;
      assert.deepEqual([count + deduplicated, failed, dropped], [1_001, 0, 200]);
      assert.ok(lines.about("dropped a message event").length >= 1);
      assert.ok(lines.about("DeadlineExceeded").length >= 1);
      await assertWhole(world, 1_001);
    });

    test("through kills and restarts everything is stored once, in order", async () => {
      const world = newWorld();
      const { emitter, attachment } = attached(client, { world, attemptTimeoutMs: 1_000 });
      let n = 0;
      const timer = setInterval(() => {
        // However long a start takes, what is emitted meanwhile has room.
        for (let k = 0; k < 5 && attachment.stats.buffered < 5_000; k++) {
          emitter.emit("message", message(n++));
        }
      }, 5);
      for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
        await sleep(400);
        await server.stop(signal);
        await sleep(200);
        await server.serve();
      }
      await sleep(200);
      clearInterval(timer);
      const { stats, unstored } = await attachment.close(FLUSH_MS);
      assert.deepEqual([unstored.length, stats.failed, stats.dropped], [0, 0, 0]);
      assert.equal(stats.stored + stats.deduplicated, n);
      await assertWhole(world, n);
    });

    test("what close could not store is stored later by its keys", async () => {
      const world = newWorld();
      const { emitter, attachment } = attached(client, { world });
      server.freeze();
      for (let n = 0; n < 3; n++) {
        emitter.emit("message", message(n));
      }
      // It is on its way to a server that stands still: perhaps it arrives, perhaps it does not.
      const { unstored } = await attachment.close(300);
      assert.equal(unstored.length, 3);
      server.thaw();
      await client.emitMany(unstored, { knownEvents: "skip", timeoutMs: FLUSH_MS });
      await assertWhole(world, 3);
    });
  });
});
