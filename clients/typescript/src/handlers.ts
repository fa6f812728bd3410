/** Which handler is for an event: by its type. */

import type { DeliveryContext } from "./delivery.js";
import type { RecordedEvent } from "./recorded.js";

/**
 * Works on one event. Its return, or what it resolves to, finishes the event, unless that is a
 * `Retry`, `Park` or `Skip`; these may be thrown as well. Anything else thrown is a failed attempt.
 */
export type Handler = (event: RecordedEvent, context: DeliveryContext) => unknown;

/** Handlers by event type: exact (`order.created`), by prefix (`order.*`), or `*` for all others. */
export type Handlers = Readonly<Record<string, Handler>>;

/** Finds the handler for an event type. */
export type Route = (eventType: string) => Handler | undefined;

const ALL_OTHERS = "*";

/**
 * Has the exact type go before a prefix, the longest prefix before shorter ones, and `*` last. Throws
 * TypeError, naming it, for what is no handler or names no event type.
 */
export function toRoute(handlers: Handler | Handlers): Route {
  if (typeof handlers === "function") {
    return () => handlers;
  }
  const exact = new Map<string, Handler>();
  const prefixes: [string, Handler][] = [];
  for (const [name, handler] of Object.entries(handlers)) {
    if (typeof handler !== "function") {
      throw new TypeError(`the handler of ${name} is no function, but ${typeof handler}`);
    }
    if (name.endsWith(".*")) {
      prefixes.push([name.slice(0, -1), handler]);
    } else {
      exact.set(name, handler);
    }
    const meant = name === ALL_OTHERS ? "" : name.endsWith(".*") ? name.slice(0, -2) : name;
    if (meant.includes("*") || name === "" || name === ".*") {
      throw new TypeError(
        `${JSON.stringify(name)} names no event type: expected "order.created", "order.*" or "*"`,
      );
    }
  }
  if (exact.size + prefixes.length === 0) {
    throw new TypeError("there is no handler");
  }
  prefixes.sort(([one], [other]) => other.length - one.length);
  return (eventType) =>
    exact.get(eventType) ??
    prefixes.find(([prefix]) => eventType.startsWith(prefix))?.[1] ??
    exact.get(ALL_OTHERS);
}
