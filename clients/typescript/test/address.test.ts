import assert from "node:assert/strict";
import { test } from "node:test";

import { type Address, parseAddress, targetOf } from "../src/address.js";
import { connect, DEFAULT_URL } from "../src/index.js";

const ADDRESSES: [url: string, expected: Address][] = [
  [DEFAULT_URL, { host: "127.0.0.1", port: 7420, tls: false }],
  ["everlog://example.org:9000", { host: "example.org", port: 9000, tls: false }],
  ["everlogs://example.org", { host: "example.org", port: 7420, tls: true }],
  ["example.org:9000", { host: "example.org", port: 9000, tls: false }],
  ["localhost", { host: "localhost", port: 7420, tls: false }],
  ["127.0.0.1:80", { host: "127.0.0.1", port: 80, tls: false }],
  ["everlog://[::1]:7421/", { host: "::1", port: 7421, tls: false }],
];

for (const [url, expected] of ADDRESSES) {
  test(`${url} names host, port and transport`, () => {
    assert.deepEqual(parseAddress(url), expected);
  });
}

test("an IPv6 address keeps its brackets for gRPC", () => {
  assert.equal(targetOf(parseAddress("everlog://[::1]")), "[::1]:7420");
});

for (const url of [
  "http://example.org",
  "everlog://",
  "everlog://:7420",
  "everlog://example.org:port",
  "everlog://example.org:0",
  "everlog://example.org:70000",
  "everlog://example.org/tenant",
  "everlog://example.org?tenant=acme",
  "",
]) {
  test(`${JSON.stringify(url)} is refused`, () => {
    assert.throws(() => parseAddress(url), TypeError);
  });
}

test("a URL with credentials is refused without repeating them", () => {
  assert.throws(
    () => parseAddress("everlog://me:secret@example.org"),
    (error: Error) => /credentials/.test(error.message) && !/secret/.test(String(error.stack)),
  );
});

for (const options of [{ tenant: "nö" }, { token: "a\nb" }]) {
  test(`what metadata cannot carry is refused at once: ${JSON.stringify(options)}`, () => {
    assert.throws(() => connect("localhost", options), /printable ASCII/);
  });
}

test("a timeout that is no positive number is refused", () => {
  assert.throws(() => connect("localhost", { timeoutMs: 0 }), /timeoutMs is 0/);
  assert.throws(() => connect("localhost", { connectTimeoutMs: 0 }), /connectTimeoutMs is 0/);
});
