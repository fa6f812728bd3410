/** What JSON is made of values that JSON cannot hold. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { toJsonable } from "../src/emitters/jsonable.js";

const MIB = 1024 * 1024;

function json(value: unknown): string | undefined {
  return JSON.stringify(toJsonable(value, MIB));
}

class Turn {
  readonly speaker = "Ana";
  readonly #secret = 1;

  get next(): number {
    return this.#secret;
  }
}

const errorWithSecrets = Object.assign(new TypeError("no route"), {
  config: { headers: { authorization: "Bearer x" } },
  toJSON: () => ({ config: "Bearer x" }),
});

const own: Record<string, unknown> = { name: "loop" };
own.self = own;
own.list = [own];
const selfSaid = {
  x: 1,
  toJSON() {
    return this;
  },
};
const shared = { a: 1 };

const TABLE: [string, unknown, string | undefined][] = [
  ["what JSON has", { a: [1, "b", null, true] }, '{"a":[1,"b",null,true]}'],
  ["text", "hello", '"hello"'],
  ["nothing", undefined, undefined],
  ["a function", () => 1, undefined],
  ["functions and symbols inside", { f() {}, s: Symbol("s"), a: [() => 1] }, '{"a":[null]}'],
  ["undefined inside", { u: undefined, a: [undefined] }, '{"a":[null]}'],
  [
    "an Error, without its other fields",
    errorWithSecrets,
    '{"name":"TypeError","message":"no route"}',
  ],
  ["an Error inside", { error: new Error("x") }, '{"error":{"name":"Error","message":"x"}}'],
  ["a Date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ["an invalid Date", [new Date("never")], "[null]"],
  ["a bigint", { n: 2n ** 63n }, '{"n":"9223372036854775808"}'],
  ["no numbers", [NaN, Infinity, -Infinity, -0], "[null,null,null,0]"],
  ["bytes", [Buffer.from("hi"), new Uint8Array([1]).buffer], '["aGk=","AQ=="]'],
  ["a typed array", new Float32Array([0.5, 2]), "[0.5,2]"],
  ["a Map and a Set", [new Map([["k", new Set([1])]])], '[{"k":[1]}]'],
  ["a class's own fields", new Turn(), '{"speaker":"Ana"}'],
  ["a cycle", own, '{"name":"loop","self":"[Circular]","list":["[Circular]"]}'],
  ["an object twice, which is no cycle", [shared, shared], '[{"a":1},{"a":1}]'],
  ["a toJSON that returns its own object", selfSaid, '{"x":1}'],
  ["NUL", ["a\0b", { "k\0": 1 }], '["a\uFFFDb",{"k\uFFFD":1}]'],
  ["half a character", ["🎉".slice(0, 1), "🎉"], '["\uFFFD","🎉"]'],
  ["a key that is no prototype", JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
];

for (const [name, value, expected] of TABLE) {
  test(`as JSON: ${name}`, () => assert.equal(json(value), expected));
}

test("what is emitted is not changed", () => {
  const emitted = { error: new Error("x"), text: "a\0", list: [1n] };
  json(emitted);
  assert.ok(emitted.error instanceof Error);
  assert.deepEqual([emitted.text, emitted.list], ["a\0", [1n]]);
});

test("nesting is refused beyond 1,000 levels, also when toJSON makes it", () => {
  const nested = (levels: number): unknown => {
    let value: unknown = [];
    for (let n = 1; n < levels; n++) {
      value = [value];
    }
    return value;
  };
  assert.equal(json(nested(1_000))?.length, 2_000);
  assert.throws(() => json(nested(1_001)), /nested deeper than 1000 levels/);
  const endless = () => ({ toJSON: endless });
  assert.throws(() => json(endless()), /nested deeper than 1000 levels/);
});

test("the walk ends at its bound, however much hangs on a value", () => {
  let visited = 0;
  const host = () => ({
    get next() {
      visited += 1;
      return [host(), host()];
    },
  });
  assert.throws(() => toJsonable(host(), 1_000), RangeError);
  const leaves = Array.from({ length: 100_000 }, () => ({
    get leaf() {
      visited += 1;
      return "0123456789";
    },
  }));
  visited = 0;
  assert.throws(() => toJsonable(leaves, 1_000), /more than 1000 bytes/);
  assert.ok(visited < 1_000, `${visited} visited`);
});

test("what a getter throws is thrown", () => {
  const bad = {
    get content(): string {
      throw new Error("gone");
    },
  };
  assert.throws(() => json(bad), /gone/);
});
