/** Takes so many items within a time, and loses none of those that come later. */

import { setTimeout as sleep } from "node:timers/promises";

import type { Json } from "./conformance-shapes.js";

type Next<Item> = { readonly next: IteratorResult<Item, void> } | { readonly error: unknown };

/** Reads at most one item ahead, so that a time that is over loses nothing. */
export class Reader<Item> {
  readonly #items: AsyncIterator<Item, void>;
  readonly #shape: (item: Item) => Json;
  #next: Promise<Next<Item>> | undefined;

  constructor(items: AsyncIterator<Item, void>, shape: (item: Item) => Json) {
    this.#items = items;
    this.#shape = shape;
  }

  /** An error is thrown when nothing came before it; else the next time. */
  async take(count: number, timeoutSeconds: number): Promise<Json[]> {
    const items: Json[] = [];
    const over = new AbortController();
    const time = sleep(timeoutSeconds * 1000, undefined, { signal: over.signal }).catch(() => {});
    try {
      while (items.length < count) {
        this.#next ??= this.#items.next().then(
          (next) => ({ next }),
          (error: unknown) => ({ error }),
        );
        const found = await Promise.race([this.#next, time]);
        if (found === undefined || ("error" in found && items.length > 0)) {
          break;
        }
        this.#next = undefined;
        if ("error" in found) {
          throw found.error;
        }
        if (found.next.done) {
          throw new Error("it ended by itself");
        }
        items.push(this.#shape(found.next.value));
      }
      return items;
    } finally {
      over.abort();
    }
  }
}
