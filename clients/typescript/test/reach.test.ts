/** A server that was never there, and one that was. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { type Client, ConnectionLost, connect, type NewEvent } from "../src/index.js";
import { GetHeadResponse } from "../src/v1.js";
import { allWell, ScriptedServer } from "./scripted-server.js";

const limits = { timeout: 20_000 };
const soon = { initialMs: 10, maxMs: 50 };
const event: NewEvent = { eventType: "a.b", aggregate: ["a", "1"] };
const keyed: NewEvent = { ...event, idempotencyKey: "k" };
const head = async () => GetHeadResponse.fromPartial({ position: 7n });

/** A listener that takes connections and says nothing; closed, it is an address of nobody's. */
async function mute(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>();
  const listener = createServer((socket) => sockets.add(socket)).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) {
      socket.destroy();
    }
    listener.close();
    await once(listener, "close");
  };
  return { port, close };
}

for (const [name, cause] of [
  ["nobody", /ECONNREFUSED/],
  ["mute", /./],
] as const) {
  test(
    `a server that was never there (${name}) is not waited for until the deadline`,
    limits,
    async () => {
      const { port, close } = await mute();
      if (name === "nobody") {
        await close();
      }
      const address = `127.0.0.1:${port}`;
      const client = connect(address, {
        connectTimeoutMs: 300,
        timeoutMs: Number.POSITIVE_INFINITY,
        backoff: soon,
      });
      const message = new RegExp(`no server could be reached at ${address} within 0.3 s`);
      for (const call of [() => client.emit(keyed), () => client.head()]) {
        await assert.rejects(call, (error) => {
          assert.ok(error instanceof ConnectionLost, String(error));
          assert.match(error.message, message);
          assert.match(error.message, cause);
          return true;
        });
      }
      // Without a key it is not sent twice.
      await assert.rejects(client.emit(event), ConnectionLost);
      await client.close();
      if (name === "mute") {
        await close();
      }
    },
  );
}

test("a search ends with its signal", limits, async () => {
  const { port, close } = await mute();
  const client = connect(`127.0.0.1:${port}`);
  const reason = new Error("enough");
  const giving = new AbortController();
  setTimeout(() => giving.abort(reason), 100);
  await assert.rejects(client.head({ signal: giving.signal }), reason);
  await client.close();
  await close();
});

test("a server that is just starting is found", limits, async () => {
  const { port, close } = await mute();
  await close();
  const client = connect(`127.0.0.1:${port}`, { backoff: soon });
  const asked = [client.head(), client.emit(keyed)];
  await sleep(200);
  await using _ = await ScriptedServer.start({ emitStream: [allWell], getHead: [head] }, port);
  await Promise.all(asked);
  await client.close();
});

/** Returns when the server was reached, however many searches a busy machine needs for that. */
async function found(client: Client): Promise<void> {
  for (;;) {
    try {
      await client.head();
      return;
    } catch (error) {
      assert.ok(error instanceof ConnectionLost, String(error));
    }
  }
}

test("a server that has gone is waited for longer than an unknown one", limits, async () => {
  const scripts = { emitStream: [allWell], getHead: [head] };
  const server = await ScriptedServer.start(scripts);
  const { port } = server;
  const client = connect(`127.0.0.1:${port}`, { connectTimeoutMs: 100, backoff: soon });
  await found(client);
  await client.emit(event);
  await server[Symbol.asyncDispose]();
  const asked = [client.head(), client.emit(keyed)];
  await sleep(400);
  await using _ = await ScriptedServer.start(scripts, port);
  await Promise.all(asked);
  await client.close();
});

test("a server that takes its time is not taken for a missing one", limits, async () => {
  const slowly = async () => {
    await sleep(1_200);
    return await head();
  };
  await using server = await ScriptedServer.start({ getHead: [slowly] });
  const client = server.client({ connectTimeoutMs: 800 });
  assert.equal((await client.head()).position, 7n);
});
