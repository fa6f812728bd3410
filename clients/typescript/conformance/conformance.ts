/**
 * The runner of the conformance suite: obeys commands, one JSON object a line, and answers each.
 *
 * The protocol is in tests/clients/conformance/README.md of the repository. The runner uses the
 * package as its users do, through its exports; it is built beside it, but not published.
 */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import * as everlog from "@everlog/client";
import { consumerCommands, stopConsuming } from "./conformance-consumers.js";
import { Reader } from "./conformance-reader.js";
import {
  fromError,
  fromEvent,
  fromHead,
  fromItem,
  fromOutcome,
  fromReceipt,
  type Json,
  toArguments,
  toEvent,
  toExpectations,
} from "./conformance-shapes.js";

type Item = everlog.RecordedEvent | everlog.CaughtUp | everlog.FellBehind;
type Subscription = everlog.Subscription<Item>;

let open: everlog.Client | undefined;
const readers = new Map<string, { subscription: Subscription; reader: Reader<Item> }>();

function client(): everlog.Client {
  if (open === undefined) {
    throw new Error("not connected");
  }
  return open;
}

function opened(name: string): { subscription: Subscription; reader: Reader<Item> } {
  const found = readers.get(name);
  if (found === undefined) {
    throw new Error(`there is no subscription ${name}`);
  }
  return found;
}

async function close(): Promise<Json> {
  await stopConsuming();
  for (const { subscription } of readers.values()) {
    await subscription.close();
  }
  readers.clear();
  await open?.close();
  open = undefined;
  return {};
}

async function collect<Given>(items: AsyncIterable<Given>, shape: (item: Given) => Json) {
  const shapes: Json[] = [];
  for await (const item of items) {
    shapes.push(shape(item));
  }
  return shapes;
}

/** Gives those of the arguments that are there, under the client's names. */
function given(options: Json): Json {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const commands: Record<string, (args: Json) => Promise<Json>> = {
  async hello() {
    const path = new URL("../package.json", import.meta.url);
    const { version } = JSON.parse(readFileSync(path, "utf8"));
    const runtime = `Node ${process.versions.node}`;
    return { protocol: 1, language: "typescript", client: version, runtime };
  },

  async connect({ url, tenant, token, timeout_seconds, connect_timeout_seconds, ...pem }) {
    await close();
    const timeoutMs = timeout_seconds === undefined ? undefined : timeout_seconds * 1000;
    const connectTimeoutMs =
      connect_timeout_seconds === undefined ? undefined : connect_timeout_seconds * 1000;
    const { root_certificates, client_certificate, client_key } = pem;
    const tls = given({
      rootCertificates: root_certificates,
      clientCertificate: client_certificate,
      clientKey: client_key,
    });
    open = everlog.connect(url, given({ tenant, token, tls, timeoutMs, connectTimeoutMs }));
    return {};
  },

  close,

  async emit({ event, expect }) {
    const options = given({ expect: toExpectations(expect) });
    return { receipt: fromReceipt(await client().emit(toEvent(event), options)) };
  },

  async emit_many({ events, expect, known_events }) {
    const options = given({ expect: toExpectations(expect), knownEvents: known_events });
    const receipts = await client().emitMany(events.map(toEvent), options);
    return { receipts: receipts.map(fromReceipt) };
  },

  async emit_stream({ events, batch_events, known_events }) {
    const options = given({ batchEvents: batch_events, knownEvents: known_events });
    const outcomes = client().emitStream(events.map(toEvent), options);
    return { outcomes: await collect(outcomes, fromOutcome) };
  },

  async emit_concurrently({ events }) {
    const results = await Promise.allSettled(
      (events as Json[]).map((event) => client().emit(toEvent(event))),
    );
    const outcomes = results.map((result, index) => {
      if (result.status === "fulfilled") {
        return fromOutcome({ index, receipt: result.value });
      }
      if (result.reason instanceof everlog.EverlogError) {
        return fromOutcome({ index, error: result.reason });
      }
      throw result.reason;
    });
    return { outcomes };
  },

  async get({ min_position, ...name }) {
    const event = await client().get(
      toArguments(name) as everlog.EventName,
      toArguments(given({ min_position })),
    );
    return { event: fromEvent(event) };
  },

  async head(options) {
    return fromHead(await client().head(toArguments(options)));
  },

  async query({ filter, ...options }) {
    const query = client().query(filter && toArguments(filter), toArguments(options));
    const events = await collect(query, fromEvent);
    const { throughPosition, totalSize } = query;
    return {
      events,
      through_position: String(throughPosition),
      total_size: totalSize === undefined ? undefined : String(totalSize),
    };
  },

  async replay(stretch) {
    return { events: await collect(client().replay(toArguments(stretch)), fromEvent) };
  },

  async subscribe_open({ subscription, heartbeat_seconds, ...options }) {
    const heartbeatMs = heartbeat_seconds === undefined ? undefined : heartbeat_seconds * 1000;
    const items: Subscription = client().subscribe({
      ...toArguments(options),
      ...given({ heartbeatMs }),
    });
    readers.set(subscription, { subscription: items, reader: new Reader(items, fromItem) });
    return {};
  },

  async subscribe_next({ subscription, count, timeout_seconds }) {
    return { items: await opened(subscription).reader.take(count, timeout_seconds) };
  },

  async subscribe_close({ subscription }) {
    const found = opened(subscription);
    readers.delete(subscription);
    await found.subscription.close();
    return {};
  },

  ...consumerCommands(client),
};

/** The answer to one command. */
async function obey(line: string): Promise<Json> {
  try {
    const { command: name, ...args } = JSON.parse(line);
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    return command ? { ok: await command(args) } : { unsupported: `the command ${name}` };
  } catch (error) {
    if (error instanceof everlog.EverlogError) {
      return { error: fromError(error) };
    }
    return { failure: error instanceof Error ? String(error.stack) : String(error) };
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(await obey(line))}\n`);
}
await close();
