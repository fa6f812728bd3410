/**
 * A live subscriber: follows all orders, and keeps a running total of what was paid.
 *
 * What it has counted and where it is are one small file, so it goes on where it was, whenever and
 * however it ended, and counts nothing twice.
 */

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import {
  CaughtUp,
  CursorBeyondHead,
  connect,
  FellBehind,
  LogDiverged,
  type RecordedEvent,
} from "@everlog/client";

/** What was counted, and up to which event: saved together, so that they always agree. */
interface Totals {
  /** A text: JSON has no bigint. */
  position: string;
  /** Of the event at that position: another log, or a restored one, has another event there. */
  event_id: string;
  placed: number;
  paid: number;
  rejected: number;
  paid_cents: number;
}

function add(totals: Totals, event: RecordedEvent): void {
  switch (event.eventType) {
    case "order.placed":
      totals.placed += 1;
      break;
    case "order.paid":
      totals.paid += 1;
      totals.paid_cents += (event.data as { amount_cents: number }).amount_cents;
      break;
    case "order.rejected":
      totals.rejected += 1;
      break;
  }
  totals.position = String(event.position);
  totals.event_id = event.eventId;
}

/** Replaces the file as a whole: whoever is killed leaves the old one or the new one. */
function save(totals: Totals, file: string): void {
  writeFileSync(`${file}.new`, JSON.stringify(totals));
  renameSync(`${file}.new`, file);
}

const { values } = parseArgs({
  options: {
    "cursor-file": { type: "string", default: "live_subscriber.json" },
    after: { type: "string" },
    events: { type: "string" },
  },
});
const file = values["cursor-file"];
const eventsMax = Number(values.events ?? Number.POSITIVE_INFINITY);
const none = { event_id: "", placed: 0, paid: 0, rejected: 0, paid_cents: 0 };
const totals: Totals =
  values.after === undefined && existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : { position: values.after ?? "0", ...none };

/** Counts what comes: first what is stored already, then what is live. */
async function follow(): Promise<void> {
  await using client = connect(process.env.EVERLOG_URL, {
    tenant: process.env.EVERLOG_TENANT ?? "default",
  });
  await using subscription = client.subscribe({
    afterPosition: BigInt(totals.position),
    afterEventId: totals.event_id,
    filter: { eventTypes: ["order.*"] },
    marks: true,
    // It goes on by itself when the server is back.
    onInterruption: (error, waitMs) =>
      console.error(`interrupted, again in ${(waitMs / 1000).toFixed(1)} s: ${error}`),
  });
  for (const signal of ["SIGINT", "SIGTERM"]) {
    // The loop ends; every event that was counted is saved already.
    process.once(signal, () => void subscription.close());
  }
  let events = 0;
  for await (const item of subscription) {
    if (item instanceof CaughtUp) {
      console.log(`caught up at ${item.position}`);
    } else if (!(item instanceof FellBehind)) {
      add(totals, item);
      save(totals, file);
      show(item);
      events += 1;
      if (events === eventsMax) {
        break;
      }
    }
  }
}

/** Prints an event, and the totals with it. */
function show({ position, aggregate, eventType }: RecordedEvent): void {
  const { placed, rejected, paid, paid_cents } = totals;
  console.log(
    `${position} ${aggregate.join("/")} ${eventType}: ${placed} placed, ${rejected} rejected, ` +
      `${paid} paid with ${paid_cents} cents`,
  );
}

try {
  await follow();
  console.log(`ended after position ${totals.position}`);
} catch (error) {
  console.error(`live_subscriber: ${error}`);
  if (error instanceof LogDiverged || error instanceof CursorBeyondHead) {
    // The server's database came back from a backup, or it is another server's.
    console.error(`Delete ${file} to count the log that is there now.`);
  }
  process.exitCode = 1;
}
