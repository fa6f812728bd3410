/** Where a server listens: `everlog://host:port`, taken apart. */

export const DEFAULT_PORT = 7420;

/** Where a server listens unless it is told otherwise: on this machine. */
export const DEFAULT_URL = `everlog://127.0.0.1:${DEFAULT_PORT}`;

/** A server's address, and whether to speak TLS with it. */
export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/**
 * Takes a URL apart: `everlog://host:port`, `everlogs://…` for TLS, or plain `host:port`.
 *
 * The port is 7420 when absent. Throws TypeError for anything else, also for a path, a query or
 * credentials: a token is an option of `connect`, where it cannot end up in a log by accident.
 */
export function parseAddress(url: string): Address {
  const [, scheme = "everlog", rest = ""] = /^(?:([^:/]*):\/\/)?(.*)$/s.exec(url) ?? [];
  if (rest.includes("@")) {
    throw new TypeError("a URL with credentials: pass the token separately");
  }
  if (scheme !== "everlog" && scheme !== "everlogs") {
    throw new TypeError(`${url}: the scheme is ${scheme}, expected everlog or everlogs`);
  }
  let parts: URL;
  try {
    parts = new URL(`${scheme}://${rest}`);
  } catch {
    throw new TypeError(`${url} is no address: expected everlog://host:port`);
  }
  if (!parts.hostname) {
    throw new TypeError(`${url} names no host`);
  }
  if (!["", "/"].includes(parts.pathname) || parts.search || parts.hash) {
    throw new TypeError(`${url} has more than a host and a port`);
  }
  const port = parts.port === "" ? DEFAULT_PORT : Number(parts.port);
  if (port === 0) {
    throw new TypeError(`${url}: nobody listens on port 0`);
  }
  return { host: parts.hostname.replace(/^\[(.*)\]$/, "$1"), port, tls: scheme === "everlogs" };
}

/** The address as gRPC takes it, such as `127.0.0.1:7420` or `[::1]:7420`. */
export function targetOf(address: Address): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
