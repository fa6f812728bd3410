/** What attaching does to an emitter, and what it does not. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { promisify } from "node:util";

import { persistEvents } from "../src/emitters/index.js";
import type { NewEvent } from "../src/index.js";
import { attached, contents, Lines, message } from "./emitters-world.js";
import { allWell, ScriptedServer } from "./scripted-server.js";

const limits = { timeout: 20_000 };

interface Turn {
  readonly content: string;
}

/** All that arrived, in order. */
function arrived(server: ScriptedServer): NewEvent[] {
  return server.requests.flatMap(({ emits }) =>
    emits.flatMap(({ request }: { request: { events: NewEvent[] } }) => request.events),
  );
}

test("the emitter's own listeners hear everything, at once and as before", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const emitter = new EventEmitter();
  const heard: unknown[] = [];
  emitter.on("message", (...given) => heard.push(given));
  const attachment = persistEvents(emitter, server.client(), { world: "w1" });
  emitter.once("message", (event) => heard.push(event));
  const event = message(1);
  assert.equal(emitter.emit("message", event, "and more"), true);
  assert.deepEqual(heard, [[event, "and more"], event]);
  assert.equal((heard[0] as unknown[])[0], event);
  assert.equal((await attachment.close()).stats.stored, 1);
});

test("an event is stored as it was emitted, whatever a listener makes of it", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const emitter = new EventEmitter();
  emitter.on("message", (event) => {
    event.content = "changed";
    event.messageId = "changed";
  });
  const attachment = persistEvents(emitter, server.client(), { world: "w1" });
  emitter.emit("message", message(1));
  await attachment.flush();
  const [event] = arrived(server);
  assert.deepEqual(contents(server.requests), [["1"]]);
  assert.equal(event?.idempotencyKey, "w1/message:m1:published");
});

test(
  "a listener that throws is the emitter's affair, and the event is stored",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [allWell] });
    const emitter = new EventEmitter();
    emitter.on("message", () => {
      throw new Error("a listener's own");
    });
    const attachment = persistEvents(emitter, server.client(), { world: "w1" });
    assert.throws(() => emitter.emit("message", message(1)), /a listener's own/);
    assert.equal((await attachment.close()).stats.stored, 1);
  },
);

test("what a listener emits in answer comes after what it answers", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const emitter = new EventEmitter();
  emitter.on("message", ({ content }: Turn) => {
    if (content === "1") {
      emitter.emit("message", message(2));
    }
  });
  const attachment = persistEvents(emitter, server.client(), { world: "w1" });
  emitter.emit("message", message(1));
  await attachment.flush();
  assert.deepEqual(contents(server.requests).flat(), ["1", "2"]);
});

test("what cannot be stored breaks nothing, and is counted and told", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const { emitter, attachment, lines } = attached(server.client(), {
    world: (event) => {
      if ((event as { chatId?: string }).chatId === "nowhere") {
        throw new Error("no such chat");
      }
      return "w1";
    },
  });
  let heard = 0;
  emitter.on("message", () => (heard += 1));
  const bad = {
    get content(): string {
      throw new Error("the content is gone");
    },
  };
  emitter.emit("message", bad);
  emitter.emit("message", { chatId: "nowhere" });
  emitter.emit("message", { content: "x".repeat(2 * 1024 * 1024) });
  emitter.emit("message", message(1));
  assert.equal(heard, 4);
  const { stats } = await attachment.close();
  assert.deepEqual([stats.failed, stats.stored], [3, 1]);
  assert.deepEqual(lines.said, [
    "everlog: worlds: a message event cannot be stored: Error: the content is gone",
  ]);
});

test("a logger and an onDropped that throw break nothing", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const broken = () => {
    throw new Error("broken");
  };
  const { emitter, attachment } = attached(server.client(), {
    logger: { warn: broken },
    onDropped: broken,
    bufferEventsMax: 1,
  });
  emitter.emit("message", message(1));
  emitter.emit("message", message(2));
  emitter.emit("message", message(3));
  const { stats } = await attachment.close();
  assert.deepEqual([stats.stored, stats.dropped], [1, 2]);
});

test("attaching twice is harmless", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const { emitter, attachment } = attached(client);
  assert.equal(persistEvents(emitter, client, { world: "w1", channels: ["tool"] }), attachment);
  assert.equal(emitter.listenerCount("message"), 1);
  const byEvent = persistEvents(emitter, client, { world: () => "w2" });
  assert.equal(persistEvents(emitter, client, { world: () => "w2" }), byEvent);
  assert.notEqual(byEvent, attachment);
  assert.notEqual(persistEvents(emitter, client, { world: "w3" }), attachment);
  assert.notEqual(persistEvents(emitter, server.client(), { world: "w1" }), attachment);
  assert.notEqual(persistEvents(new EventEmitter(), client, { world: "w1" }), attachment);
  emitter.emit("message", message(1));
  assert.equal((await attachment.close()).stats.stored, 1);
});

test("attaching again after all listeners were removed listens again", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const { emitter, attachment } = attached(client);
  emitter.removeAllListeners();
  emitter.emit("message", message(1));
  assert.equal(persistEvents(emitter, client, { world: "w1" }), attachment);
  emitter.emit("message", message(2));
  await attachment.flush();
  assert.deepEqual(contents(server.requests).flat(), ["2"]);
});

test(
  "detached, it takes nothing more, and what it had goes out; attached again, it goes on",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [allWell] });
    const client = server.client();
    const { emitter, attachment } = attached(client);
    emitter.emit("message", message(1));
    attachment.detach();
    attachment.detach();
    emitter.emit("message", message(2));
    assert.equal(await attachment.flush(), true);
    assert.equal(persistEvents(emitter, client, { world: "w1" }), attachment);
    emitter.emit("message", message(3));
    await attachment.flush();
    assert.deepEqual(contents(server.requests).flat(), ["1", "3"]);
  },
);

test("closed, it is over, and the next attachment is a new one", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const { emitter, attachment } = attached(client);
  await attachment.close();
  attachment.attach();
  assert.equal(emitter.listenerCount("message"), 0);
  await using next = persistEvents(emitter, client, { world: "w1" });
  assert.notEqual(next, attachment);
  emitter.emit("message", message(1));
  assert.equal(await next.flush(), true);
  assert.deepEqual([next.stats.stored, attachment.stats.stored], [1, 0]);
});

test("only the channels that were asked for are stored", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const { emitter, attachment } = attached(server.client(), { channels: ["tool", "crud"] });
  for (const channel of ["message", "tool", "crud", "sse"]) {
    emitter.emit(channel, { messageId: "m1" });
  }
  await attachment.flush();
  assert.deepEqual(
    arrived(server).map(({ eventType }) => eventType),
    ["tool.published", "crud.published"],
  );
});

test("chunks are stored only when they are asked for, each under its own key", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const without = attached(client, { world: "without" });
  const having = attached(client, { world: "with", chunks: true });
  for (const { emitter, attachment } of [without, having]) {
    for (const type of ["start", "chunk", "chunk", "end"]) {
      emitter.emit("sse", { type, messageId: "m1", agentName: "a1" });
    }
    await attachment.flush();
  }
  assert.deepEqual(
    arrived(server).map(({ idempotencyKey }) => idempotencyKey),
    ["without/sse:m1:start", "without/sse:m1:end"].concat(
      ["start", "chunk", "chunk:2", "end"].map((tail) => `with/sse:m1:${tail}`),
    ),
  );
});

test(
  "pieces of one message from two emitters of a world have keys of their own",
  limits,
  async () => {
    await using server = await ScriptedServer.start({ emitStream: [allWell] });
    const client = server.client();
    for (const { emitter, attachment } of [1, 2].map(() => attached(client, { chunks: true }))) {
      emitter.emit("sse", { type: "chunk", messageId: "m1" });
      await attachment.flush();
    }
    assert.deepEqual(
      arrived(server).map(({ idempotencyKey }) => idempotencyKey),
      ["w1/sse:m1:chunk", "w1/sse:m1:chunk:2"],
    );
  },
);

test("an error that nobody handles is still thrown, and stored", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const { emitter, attachment } = attached(server.client(), { channels: ["error"] });
  assert.throws(() => emitter.emit("error", new TypeError("boom")), /boom/);
  await attachment.flush();
  const [event] = arrived(server);
  assert.equal(event?.eventType, "error.published");
  attachment.detach();
  assert.throws(() => emitter.emit("error", new TypeError("boom")), /boom/);
  assert.equal((await attachment.close()).stats.stored, 1);
});

test("an emitter with types of its own can be attached", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const emitter = new EventEmitter<{ message: [Turn]; closed: [] }>();
  await using attachment = persistEvents(emitter, server.client(), {
    world: "w1",
    channels: ["message", "closed"],
  });
  emitter.emit("message", { content: "1" });
  emitter.emit("closed");
  assert.equal(await attachment.flush(), true);
  assert.deepEqual(
    arrived(server).map(({ eventType }) => eventType),
    ["message.published", "closed.published"],
  );
});

test("options that make no sense are refused", limits, async () => {
  await using server = await ScriptedServer.start({ emitStream: [allWell] });
  const client = server.client();
  const emitter = new EventEmitter();
  const attach = (options: object) => () =>
    persistEvents(emitter, client, { world: "w1", logger: new Lines(), ...options });
  assert.throws(attach({ world: "" }), /world is "", expected its id or a function/);
  assert.throws(attach({ world: undefined }), TypeError);
  assert.throws(attach({ channels: ["message", ""] }), /channels holds ""/);
  for (const name of ["bufferEventsMax", "bufferBytesMax", "attemptTimeoutMs"]) {
    assert.throws(attach({ [name]: 0 }), new RegExp(`${name} is 0, expected a positive number`));
    assert.throws(attach({ [name]: Number.NaN }), RangeError);
  }
  assert.equal(emitter.eventNames().length, 0);
});

test("a process whose server is away can end, and close() is what waits", limits, async () => {
  const program = `
    import { EventEmitter } from "node:events";
    import { connect } from "./index.js";
    import { persistEvents } from "./emitters/index.js";
    const client = connect("127.0.0.1:1", { backoff: false });
    const emitter = new EventEmitter();
    const attachment = persistEvents(emitter, client, {
      world: "w1", backoff: { initialMs: 3_600_000, maxMs: 3_600_000 }, logger: { warn() {} },
    });
    emitter.emit("message", { content: "lost" });
    if (process.argv.includes("--close")) {
      const { unstored } = await attachment.close(500);
      console.log("unstored", unstored.length);
    }
  `;
  const options = { cwd: new URL("../src", import.meta.url), timeout: 10_000 };
  const run = (...flags: string[]) =>
    promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", program, "--", ...flags],
      options,
    );
  assert.equal((await run()).stdout, "");
  assert.equal((await run("--close")).stdout, "unstored 1\n");
});
