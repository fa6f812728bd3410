/** What event is made of what is emitted. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Mapping, type MappingSettings } from "../src/emitters/mapping.js";
import { fitting, keyPrefix, Ordinals, worldAggregate } from "../src/emitters/naming.js";
import type { NewEvent } from "../src/index.js";

const TIME = new Date("2026-03-01T12:00:00.500Z");

function mapping(settings: Partial<MappingSettings> = {}, ordinals = new Ordinals()): Mapping {
  const chat = (event: unknown) => (event as { chatId?: string } | null)?.chatId;
  return new Mapping({ world: "w1", chat, source: "emitter", ...settings }, ordinals);
}

function mapped(channel: string, emitted: unknown): NewEvent {
  return mapping().map(channel, emitted).event;
}

test("a message becomes an event of its chat", () => {
  const event = mapped("message", {
    content: "Hello World",
    sender: "human",
    replyToMessageId: "m0",
    timestamp: TIME,
    messageId: "m1",
    chatId: "c1",
  });
  assert.deepEqual(event, {
    aggregate: ["chat", "w1/c1"],
    eventType: "message.published",
    source: "emitter",
    json: '{"content":"Hello World","sender":"human","replyToMessageId":"m0"}',
    metadata: { world_id: "w1", channel: "message", chat_id: "c1", sender: "human" },
    idempotencyKey: "w1/message:m1:published",
    correlationId: "m1",
    actor: "user:human",
    occurredTime: TIME,
  });
});

test("a stream's end becomes an event of the world, by its agent", () => {
  const before = Date.now();
  const usage = { inputTokens: 3, outputTokens: 4, totalTokens: 7 };
  const event = mapped("sse", { agentName: "a1", type: "end", messageId: "m1", usage });
  assert.deepEqual(event.aggregate, ["world", "w1"]);
  assert.equal(event.eventType, "sse.end");
  assert.equal(event.actor, "agent:a1");
  assert.equal(event.idempotencyKey, "w1/sse:m1:end");
  assert.deepEqual(event.metadata, { world_id: "w1", channel: "sse", agent_name: "a1" });
  assert.deepEqual(JSON.parse(event.json as string), { agentName: "a1", type: "end", usage });
  const time = (event.occurredTime as Date).getTime();
  assert.ok(time >= before && time <= Date.now(), `${time}`);
});

const TYPES: [string, unknown, string][] = [
  ["message", { type: "edited" }, "message.edited"],
  ["sse", { type: "start" }, "sse.start"],
  ["sse", { type: "error" }, "sse.error"],
  ["tool", { type: "tool-start" }, "tool.start"],
  ["tool", { type: "approved" }, "tool.approved"],
  ["tool", {}, "tool.published"],
  ["world", { type: "tool-result" }, "tool.result"],
  ["world", { type: "tool-error" }, "tool.error"],
  ["world", { type: "tool-progress" }, "tool.progress"],
  ["world", { type: "retried", toolExecution: { toolName: "ls" } }, "tool.retried"],
  ["world", { type: "response-start" }, "world.response-start"],
  ["world", {}, "world.published"],
  ["world", "idle", "world.published"],
  ["system", { content: "up" }, "system.published"],
  ["system", { type: "notice" }, "system.notice"],
  ["sse", { type: "tool-start" }, "sse.tool-start"],
  ["crud", { operation: "create" }, "crud.published"],
];

for (const [channel, emitted, expected] of TYPES) {
  test(`on ${channel}, ${JSON.stringify(emitted)} is ${expected}`, () =>
    assert.equal(mapped(channel, emitted).eventType, expected));
}

const PAYLOADS: [string, unknown, string | undefined][] = [
  ["system", { content: "up", messageId: "m", timestamp: TIME }, '"up"'],
  ["system", { content: ["a", 1] }, '["a",1]'],
  ["system", { content: null }, "null"],
  ["system", { content: { kind: "chat-title" } }, '{"content":{"kind":"chat-title"}}'],
  ["system", { level: "info" }, '{"level":"info"}'],
  ["message", { content: "text", chatId: "c" }, '{"content":"text"}'],
  ["message", "just text", '"just text"'],
  ["world", ["a", { b: 1 }], '["a",{"b":1}]'],
  ["world", 7, "7"],
  ["world", null, "null"],
  ["world", undefined, undefined],
  ["error", new Error("boom"), '{"name":"Error","message":"boom"}'],
];

for (const [channel, emitted, expected] of PAYLOADS) {
  test(`on ${channel}, the payload of ${JSON.stringify(emitted)} is ${expected}`, () =>
    assert.equal(mapped(channel, emitted).json, expected));
}

const ACTORS: [Record<string, unknown>, string | undefined][] = [
  [{ sender: "human" }, "user:human"],
  [{ sender: "system" }, "system"],
  [{ sender: "user:7" }, "user:7"],
  [{ sender: "agent:a1" }, "agent:a1"],
  [{ agentName: "a1", sender: "human" }, "agent:a1"],
  [{ sender: "" }, undefined],
  [{ sender: { name: "x" } }, undefined],
];

for (const [emitted, expected] of ACTORS) {
  test(`the actor of ${JSON.stringify(emitted)} is ${expected}`, () =>
    assert.equal(mapped("message", emitted).actor, expected));
}

for (const timestamp of [TIME, TIME.getTime(), TIME.toISOString(), "2026-03-01T14:00:00.5+02:00"]) {
  test(`${typeof timestamp} ${timestamp} is the time of the event`, () =>
    assert.deepEqual(mapped("message", { timestamp }).occurredTime, TIME));
}

for (const timestamp of [new Date("never"), "soon", "7", NaN, 1e300, {}, null]) {
  test(`${JSON.stringify(timestamp)} is no time: that of the emission is taken`, () => {
    const time = mapped("message", { timestamp }).occurredTime as Date;
    assert.ok(Math.abs(time.getTime() - Date.now()) < 10_000, String(time));
  });
}

test("repeated types of one message are numbered, and other messages begin anew", () => {
  const made = mapping();
  const keys = ["m1", "m1", "m2", "m1"].map(
    (messageId) => made.map("sse", { type: "chunk", messageId }).event.idempotencyKey,
  );
  assert.deepEqual(keys, [
    "w1/sse:m1:chunk",
    "w1/sse:m1:chunk:2",
    "w1/sse:m2:chunk",
    "w1/sse:m1:chunk:3",
  ]);
});

test("one message id serves a start, an end and the message itself", () => {
  const made = mapping();
  const keys = [
    made.map("sse", { type: "start", messageId: "m1" }),
    made.map("world", { type: "tool-start", messageId: "m1" }),
    made.map("world", { type: "tool-result", messageId: "m1" }),
    made.map("sse", { type: "end", messageId: "m1" }),
    made.map("message", { content: "x", messageId: "m1" }),
  ].map(({ event }) => event.idempotencyKey);
  assert.equal(new Set(keys).size, 5);
  assert.deepEqual(keys.slice(1, 3), ["w1/world:m1:tool-start", "w1/world:m1:tool-result"]);
});

test("events without a message id get a random key each, and no correlation", () => {
  const made = mapping();
  const events = [1, 2].map(() => made.map("world", { type: "tick" }).event);
  const uuid = /^w1\/world:[0-9a-f]{8}-[0-9a-f-]{27}:tick$/;
  assert.match(events[0]?.idempotencyKey ?? "", uuid);
  assert.notEqual(events[0]?.idempotencyKey, events[1]?.idempotencyKey);
  assert.equal(events[0]?.correlationId, undefined);
});

test("two worlds with the same message ids have keys of their own", () => {
  const ordinals = new Ordinals();
  const keys = ["w1", "w2"].map(
    (world) =>
      mapping({ world }, ordinals).map("message", { messageId: "m1" }).event.idempotencyKey,
  );
  assert.deepEqual(keys, ["w1/message:m1:published", "w2/message:m1:published"]);
});

test("world and chat may be told by the event", () => {
  const made = mapping({
    world: (event) => (event as { in?: string }).in,
    chat: (event) => (event as { room: number }).room as unknown as string,
  });
  assert.deepEqual(made.map("message", { in: "w9", room: 4 }).event.aggregate, ["chat", "w9/4"]);
  assert.throws(() => made.map("message", { room: 4 }), /the world of the event is not known/);
});

for (const chatId of ["", null, undefined, {}]) {
  test(`chatId ${JSON.stringify(chatId)} is no chat`, () =>
    assert.deepEqual(mapped("message", { chatId }).aggregate, ["world", "w1"]));
}

test("a slash in a world's name does not lead into another world's chat", () => {
  assert.deepEqual(worldAggregate("a", "b/c"), ["chat", "a/b/c"]);
  assert.deepEqual(worldAggregate("a/b", "c"), ["chat", "a%2Fb/c"]);
  assert.deepEqual(worldAggregate("a%2Fb", "c"), ["chat", "a%252Fb/c"]);
  assert.deepEqual(worldAggregate("a/b", undefined), ["world", "a/b"]);
  assert.equal(keyPrefix("a/b"), "a%2Fb/");
});

test("a name of more than 255 bytes keeps its beginning and says the rest by a hash", () => {
  const limit = "é".repeat(127);
  assert.equal(fitting(`${limit}x`), `${limit}x`);
  const long = `w1/message:${"é".repeat(200)}`;
  const fitted = fitting(long);
  assert.ok(Buffer.byteLength(fitted) <= 255 && fitted.isWellFormed());
  assert.match(fitted, /^w1\/message:é+~[0-9a-f]{64}$/);
  assert.notEqual(fitting(`${long}1`), fitted);
});

test("no text of an event is longer than the server takes", () => {
  const long = "日".repeat(300);
  const emitted = { messageId: long, sender: long, agentName: long, chatId: long, type: long };
  const { event, bytes } = mapping({ world: long, source: "s" }).map("world", emitted);
  const names = [...(event.aggregate ?? []), event.eventType, event.idempotencyKey, event.actor];
  for (const name of [...names, event.correlationId, ...Object.values(event.metadata ?? {})]) {
    assert.ok(Buffer.byteLength(name as string) <= 255, name as string);
  }
  assert.ok(bytes > Buffer.byteLength(event.json as string));
});

test("what has more than 1 MiB as JSON is refused", () => {
  const content = "x".repeat(1024 * 1024 - 20);
  assert.ok(mapped("message", { content }).json);
  assert.throws(() => mapped("message", { content: `${content}${"x".repeat(20)}` }), RangeError);
  // Fewer characters than the bound, but more bytes.
  assert.throws(
    () => mapped("message", { content: "日".repeat(400_000) }),
    /1200014 bytes, at most/,
  );
});

test("an emission that fails takes no number", () => {
  const made = mapping();
  const bad = { type: "chunk", messageId: "m1", content: "日".repeat(400_000) };
  assert.throws(() => made.map("sse", bad));
  const { event } = made.map("sse", { ...bad, content: "x" });
  assert.equal(event.idempotencyKey, "w1/sse:m1:chunk");
});

test("the numbers of the 10,000 names used last are remembered, and not those of all", () => {
  const ordinals = new Ordinals();
  ordinals.next("forgotten");
  for (let n = 1; n < 30_000; n++) {
    ordinals.next("kept");
    ordinals.next(String(n));
  }
  assert.equal(ordinals.next("kept"), 30_000);
  for (let n = 20_001; n < 30_000; n++) {
    assert.equal(ordinals.next(String(n)), 2);
  }
  assert.equal(ordinals.next("forgotten"), 1);
});
