import assert from "node:assert/strict";
import { test } from "node:test";

import { mayBeRepeated, type NewEvent, toEventMessage } from "../src/events.js";
import { type Expectations, toExpectationMessages } from "../src/expectations.js";
import { type EventFilter, toFilterMessage } from "../src/filters.js";
import {
  NewEvent as NewEventMessage,
  RecordedEvent as RecordedEventMessage,
} from "../src/generated/everlog/v1/event.js";
import { toInt64 } from "../src/integers.js";
import { RecordedEvent } from "../src/recorded.js";
import {
  type EventName,
  getRequest,
  queryRequest,
  replayRequest,
  type Stretch,
  type SubscribeOptions,
  subscribeRequest,
} from "../src/requests.js";
import { toDate, toTimestamp } from "../src/times.js";

const base: NewEvent = { eventType: "a.b", aggregate: ["a", "1"] };

const PAYLOADS: [name: string, given: Partial<NewEvent>, expected: unknown][] = [
  ["an object", { data: { b: [1, "ü"] } }, { $case: "json", value: '{"b":[1,"ü"]}' }],
  ["null", { data: null }, { $case: "json", value: "null" }],
  ["nothing", {}, undefined],
  [
    "JSON text",
    { json: '{ "n": 9007199254740993 }' },
    { $case: "json", value: '{ "n": 9007199254740993 }' },
  ],
  [
    "bytes",
    { binary: new Uint8Array([0, 255]) },
    { $case: "binary", value: Buffer.from([0, 255]) },
  ],
];

for (const [name, given, expected] of PAYLOADS) {
  test(`a payload of ${name}`, () => {
    assert.deepEqual(toEventMessage({ ...base, ...given }).payload, expected);
  });
}

test("bytes are those of the view, not of the buffer behind it", () => {
  const { payload } = toEventMessage({ ...base, binary: new Uint8Array([1, 2, 3]).subarray(1, 2) });
  assert.deepEqual(payload, { $case: "binary", value: Buffer.from([2]) });
});

test("every field comes through encoding and decoding", () => {
  const event: NewEvent = {
    eventType: "a.b",
    aggregate: ["a", "1"],
    source: "s",
    data: { x: 1 },
    contentType: "application/json",
    metadata: { plain: "text", nested: { a: [1] }, __proto__x: "p", ["__proto__"]: "q" },
    idempotencyKey: "k",
    eventId: "e",
    correlationId: "co",
    causationId: "ca",
    actor: "ac",
    userId: "u",
    occurredTime: new Date("2026-01-02T03:04:05.678Z"),
    documentable: false,
    intent: { goal: "g" },
    context: { decision: "d", relatedEventIds: ["r"] },
  };
  const bytes = NewEventMessage.encode(toEventMessage(event)).finish();
  const message = NewEventMessage.decode(bytes);
  assert.deepEqual(
    message.metadata,
    new Map([
      ["plain", "text"],
      ["nested", '{"a":[1]}'],
      ["__proto__x", "p"],
      ["__proto__", "q"],
    ]),
  );
  assert.equal(message.documentable, false);
  assert.equal(message.intent?.goal, "g");
  assert.deepEqual(message.context?.relatedEventIds, ["r"]);
  assert.deepEqual(toDate(message.occurredTime as never), event.occurredTime);
  const { source, contentType, idempotencyKey, eventId, correlationId } = message;
  assert.deepEqual(
    [source, contentType, idempotencyKey, eventId, correlationId],
    ["s", "application/json", "k", "e", "co"],
  );
  const { causationId, actor, userId } = message;
  assert.deepEqual([causationId, actor, userId], ["ca", "ac", "u"]);
});

const REFUSED: [given: Partial<NewEvent>, complaint: RegExp][] = [
  [{ data: {}, json: "{}" }, /one payload/],
  [{ data: () => 1 }, /data is no JSON: it is a function/],
  [{ data: { n: 1n } }, /data is no JSON.*BigInt/],
  [{ json: '"\ud800"' }, /json has a lone surrogate/],
  [{ actor: "\udc00" }, /actor has a lone surrogate/],
  [{ eventType: 7 as never }, /eventType is a number/],
  [{ binary: [1] as never }, /binary is no Uint8Array/],
  [{ metadata: { k: undefined } }, /metadata\["k"\] is no JSON/],
  [{ occurredTime: new Date(Number.NaN) }, /occurredTime is an invalid Date/],
];

for (const [given, complaint] of REFUSED) {
  test(`what cannot be sent is refused by name: ${complaint.source}`, () => {
    assert.throws(() => toEventMessage({ ...base, ...given }), complaint);
  });
}

test("an event may be repeated when the log would recognise it", () => {
  assert.ok(!mayBeRepeated(toEventMessage(base)));
  assert.ok(mayBeRepeated(toEventMessage({ ...base, idempotencyKey: "k" })));
  assert.ok(mayBeRepeated(toEventMessage({ ...base, eventId: "e" })));
});

test("keys are made on request, another one for each event that has none", () => {
  const keys = [base, base, { ...base, idempotencyKey: "mine" }].map(
    (event) => toEventMessage(event, true).idempotencyKey,
  );
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "mine");
  assert.match(keys[0] ?? "", /^[0-9a-f-]{36}$/);
});

const A = { aggregateType: "a", aggregateId: "1" };

const EXPECTATIONS: [expect: Expectations | undefined, oneofs: unknown[]][] = [
  [undefined, []],
  [3, [{ aggregate: A, expected: { $case: "exactly", value: 3n } }]],
  [0n, [{ aggregate: A, expected: { $case: "exactly", value: 0n } }]],
  ["mustNotExist", [{ aggregate: A, expected: { $case: "mustNotExist", value: {} } }]],
  [
    [{ aggregate: ["b", "2"], expected: "mustExist" }],
    [
      {
        aggregate: { aggregateType: "b", aggregateId: "2" },
        expected: { $case: "mustExist", value: {} },
      },
    ],
  ],
];

for (const [expect, messages] of EXPECTATIONS) {
  test(`expecting ${JSON.stringify(expect, (_, v) => (typeof v === "bigint" ? `${v}n` : v))}`, () => {
    const written = [["a", "1"] as const, ["a", "1"] as const];
    assert.deepEqual(toExpectationMessages(expect, written), messages);
  });
}

test("a single expectation of several aggregates is refused", () => {
  assert.throws(
    () =>
      toExpectationMessages(1, [
        ["a", "1"],
        ["a", "2"],
      ]),
    /several aggregates/,
  );
});

const INTEGERS = [-1, 1.5, 2 ** 53, Number.NaN, -1n, 2n ** 63n, "7"];

for (const value of INTEGERS) {
  test(`${typeof value} ${value} is no position`, () => {
    assert.throws(() => toInt64(value as never, "afterPosition"), /afterPosition is/);
  });
}

test("integers are exact up to 2^63 - 1", () => {
  assert.equal(toInt64(2n ** 63n - 1n, "p"), 9223372036854775807n);
  assert.equal(toInt64(2 ** 53 - 1, "p"), 9007199254740991n);
});

test("times before 1970 and finer ones keep their order", () => {
  assert.deepEqual(toTimestamp(new Date(-1), "t"), { seconds: -1n, nanos: 999_000_000 });
  const fine = { seconds: 1n, nanos: 123_456_000 };
  assert.equal(toTimestamp(fine, "t"), fine);
  assert.equal(toDate(fine).getTime(), 1123);
});

test("a filter is encoded whole", () => {
  const filter: EventFilter = {
    aggregateTypes: ["order"],
    aggregate: ["a", "1"],
    eventTypes: ["order.*"],
    sources: ["s"],
    recordedFrom: new Date(1000),
    documentableOnly: true,
    metadata: { k: "v" },
    dataContains: { tier: "gold" },
    keyword: "late",
  };
  const message = toFilterMessage(filter);
  assert.deepEqual(message?.aggregate, A);
  assert.deepEqual(message?.recordedFrom, { seconds: 1n, nanos: 0 });
  assert.equal(message?.dataContains, '{"tier":"gold"}');
  assert.deepEqual(message?.metadata, new Map([["k", "v"]]));
  assert.equal(message?.recordedBefore, undefined);
});

test("one text where several are expected is refused", () => {
  const filter = { eventTypes: "order.*" } as never;
  assert.throws(() => toFilterMessage(filter), /eventTypes takes an array/);
});

const NAMES: [name: EventName, by: unknown][] = [
  ["e", { $case: "eventId", value: "e" }],
  [{ eventId: "e" }, { $case: "eventId", value: "e" }],
  [{ position: 7 }, { $case: "position", value: 7n }],
  [{ idempotencyKey: "k" }, { $case: "idempotencyKey", value: "k" }],
  [
    { aggregate: ["a", "1"], sequence: 2n },
    { $case: "aggregateSequence", value: { aggregate: A, sequence: 2n } },
  ],
];

for (const [name, by] of NAMES) {
  test(`an event is named by ${(by as { $case: string }).$case}`, () => {
    assert.deepEqual(getRequest(name).by, by);
  });
}

const CONTRADICTIONS: [what: string, build: () => unknown, complaint: RegExp][] = [
  ["no name", () => getRequest({} as never), /exactly one of eventId/],
  ["two names", () => getRequest({ eventId: "e", position: 1 } as never), /exactly one of/],
  ["half a name", () => getRequest({ sequence: 1 } as never), /together/],
  ["two starts", () => replayRequest({ afterPosition: 1, afterSequence: 1 }), /at most one/],
  ["two ends", () => replayRequest({ throughPosition: 1, throughTime: new Date() }), /at most one/],
  ["a direction", () => replayRequest({ direction: "up" } as never as Stretch), /direction is up/],
  ["an order", () => queryRequest({}, { order: "toString" as never }), /order is toString/],
  ["a page of half an event", () => queryRequest({}, { pageSize: 0.5 }), /pageSize is 0.5/],
  ["no start", () => subscribeRequest({}, 1000), /exactly one of afterPosition/],
  ["fromNow: false", () => subscribeRequest({ fromNow: false }, 1000), /exactly one of/],
  ["no heartbeat", () => subscribeRequest({ afterPosition: 0 }, 0), /heartbeatMs is 0/],
];

for (const [what, build, complaint] of CONTRADICTIONS) {
  test(`a request with ${what} is refused before it is sent`, () => {
    assert.throws(build, complaint);
  });
}

const STARTS: [options: SubscribeOptions, start: unknown][] = [
  [{ afterPosition: 0 }, { $case: "afterPosition", value: 0n }],
  [{ fromTime: new Date(0) }, { $case: "fromTime", value: { seconds: 0n, nanos: 0 } }],
  [{ fromNow: true }, { $case: "fromNow", value: {} }],
];

for (const [options, start] of STARTS) {
  test(`a subscription ${JSON.stringify(options)}`, () => {
    const request = subscribeRequest(options, 1500);
    assert.deepEqual(request.start, start);
    assert.deepEqual(request.heartbeatInterval, { seconds: 1n, nanos: 500_000_000 });
  });
}

test("data is parsed once, and only when it is JSON", () => {
  const json = RecordedEventMessage.fromPartial({ payload: { $case: "json", value: '{"a":1}' } });
  const event = new RecordedEvent(json);
  assert.deepEqual(event.data, { a: 1 });
  assert.equal(event.data, event.data);
  assert.equal(event.binary, undefined);
  const none = new RecordedEvent(RecordedEventMessage.fromPartial({}));
  assert.deepEqual([none.data, none.json, none.binary], [undefined, undefined, undefined]);
});

test("a metadata key named __proto__ is a key like any other", () => {
  const metadata = new Map([["__proto__", "p"]]);
  const event = new RecordedEvent(RecordedEventMessage.fromPartial({ metadata }));
  assert.deepEqual(Object.entries(event.metadata), [["__proto__", "p"]]);
});
