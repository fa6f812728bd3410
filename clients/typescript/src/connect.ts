/** From a URL, or what the environment says, to a client. */

import { readFileSync } from "node:fs";

import { DEFAULT_URL, parseAddress } from "./address.js";
import { Client } from "./client.js";
import type { KeepAlive, TlsOptions } from "./connection.js";
import { type Backoff, DEFAULT_BACKOFF } from "./retry.js";

const DEFAULT_TIMEOUT_MS = 30_000;
// Short enough for who has mistyped an address, long enough for a server that is just starting.
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_KEEP_ALIVE: KeepAlive = { intervalMs: 30_000, timeoutMs: 10_000 };

export interface ConnectOptions {
  /**
   * Whose log it is. When absent: `EVERLOG_TENANT` of the environment; else the first of those that the token or the certificate is good for, or
   * `default` where the server asks for neither.
   */
  readonly tenant?: string;

  /** When absent: `EVERLOG_TOKEN` of the environment. */
  readonly token?: string;

  /**
   * What to show and to trust with `everlogs://`. Without authorities, those of the file that
   * `EVERLOG_CA` of the environment names.
   */
  readonly tls?: TlsOptions;

  /** Bounds each emit and each unary read, retries included; 30,000 when absent, Infinity: nothing does. */
  readonly timeoutMs?: number;

  /**
   * Bounds how long an emit or a unary read waits for the first connection: it fails with
   * ConnectionLost then; 5,000 when absent, Infinity: only `timeoutMs` does. Once connected, a client
   * waits for a server that is away as long as `timeoutMs` allows.
   */
  readonly connectTimeoutMs?: number;

  readonly keepAlive?: Partial<KeepAlive>;

  /** How to wait between retries; false: nothing is retried or resumed. */
  readonly backoff?: Partial<Backoff> | false;

  /**
   * Give each event that has no idempotency key a random one, so that every emit may be sent again
   * after an interruption. It costs the log an index entry for each.
   */
  readonly makeIdempotencyKeys?: boolean;
}

/**
 * Makes a client; nothing is connected before the first call.
 *
 * `url` is `everlog://host:port`, `everlogs://…` for TLS, or `host:port` (7420 when absent); when it
 * is undefined, `EVERLOG_URL` of the environment, or else this machine. What options do not say either
 * is taken from the environment, too; `""` is none, whatever that says. Throws
 * TypeError when it cannot be understood, or when tenant or token hold anything but printable ASCII,
 * which is all that gRPC's metadata can carry.
 */
export function connect(url?: string, options: ConnectOptions = {}): Client {
  const address = parseAddress(orEnvironment(url, "EVERLOG_URL") ?? DEFAULT_URL);
  const tenant = orEnvironment(options.tenant, "EVERLOG_TENANT");
  const token = orEnvironment(options.token, "EVERLOG_TOKEN");
  const { EVERLOG_CA: authorities } = process.env;
  let { tls = {} } = options;
  if (address.tls && tls.rootCertificates === undefined && authorities) {
    tls = { ...tls, rootCertificates: readFileSync(authorities) };
  }
  const { timeoutMs = DEFAULT_TIMEOUT_MS, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  for (const [name, value] of Object.entries({ tenant: tenant ?? "", token: token ?? "" })) {
    if (!/^[ -~]*$/.test(value)) {
      throw new TypeError(`the ${name} may hold printable ASCII only`);
    }
  }
  for (const [name, value] of Object.entries({ timeoutMs, connectTimeoutMs })) {
    if (!(value > 0)) {
      throw new RangeError(`${name} is ${value}, expected a positive number`);
    }
  }
  return new Client({
    address,
    tenant,
    token,
    tls,
    timeoutMs,
    connectTimeoutMs,
    keepAlive: { ...DEFAULT_KEEP_ALIVE, ...options.keepAlive },
    backoff: options.backoff === false ? undefined : { ...DEFAULT_BACKOFF, ...options.backoff },
    makeIdempotencyKeys: options.makeIdempotencyKeys ?? false,
  });
}

/** What was given, else what the environment says; nothing for an empty text. */
function orEnvironment(given: string | undefined, name: string): string | undefined {
  return (given ?? process.env[name]) || undefined;
}
