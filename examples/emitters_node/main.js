/**
 * Asks the world's agent about files, stores what is emitted meanwhile, and reads it back.
 *
 *     node main.js [--world NAME] FILE …
 *
 * The server is at EVERLOG_URL. Without one the world goes on all the same; only the end is different.
 */

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";

import { connect } from "@everlog/client";
import { persistEvents, worldEvents } from "@everlog/client/emitters";

import { World } from "./world.js";

const CHAT = "desk";

const { values, positionals } = parseArgs({
  options: { world: { type: "string", default: `library-${randomUUID()}` } },
  allowPositionals: true,
});
const name = values.world;
const { EVERLOG_URL, EVERLOG_TENANT = "default" } = process.env;

const world = new World();
world.emitter.on("message", ({ sender, content }) => console.log(`${sender}: ${content}`));

const client = connect(EVERLOG_URL, { tenant: EVERLOG_TENANT });
// All that it takes: from here on, whatever the emitter emits is also stored.
const attachment = persistEvents(world.emitter, client, { world: name });

world.openChat(CHAT);
for (const path of positionals) {
  await world.say(CHAT, "ana", path);
}

const { stats, unstored } = await attachment.close(5_000);
console.log(`\nstored ${stats.stored}, failed ${stats.failed}, dropped ${stats.dropped}`);
if (unstored.length > 0) {
  console.log(`${unstored.length} events could not be stored in time`);
  process.exitCode = 1;
} else {
  await show(`chat ${name}/${CHAT}`, { world: name, chat: CHAT });
  await show(`world ${name}, what its tools did`, { world: name, types: ["tool"] });
}
await client.close();

async function show(title, which) {
  console.log(`\n${title}:`);
  for await (const { sequence, eventType, actor, data } of worldEvents(client, which)) {
    console.log(`  ${sequence} ${eventType} ${actor || "-"} ${JSON.stringify(data)}`);
  }
}
