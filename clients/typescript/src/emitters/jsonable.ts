/**
 * What JSON can say of a value, whatever was emitted.
 *
 *     an Error                        {name, message}: its other fields may hold requests and secrets
 *     what has a toJSON (a Date)      what that returns
 *     a bigint                        its digits, as text
 *     bytes                           base64 text
 *     a Map, a Set, a typed array     an object, an array, an array
 *     NaN and the infinities          null
 *     a function, a symbol            left out; null in an array
 *     an object within itself         "[Circular]"
 *     NUL, a lone surrogate           U+FFFD: a stream cuts characters in two, jsonb takes neither
 *
 * What is left is refused: a getter or a toJSON that throws, nesting beyond 1,000 levels, and what
 * would be larger than its bound. The bound ends the walk too, so that an event that holds on to half
 * of the process costs no more than the largest event that can be stored.
 */

const NESTING_MAX = 1_000; // as the server has it
const REPLACEMENT = "\uFFFD";

/**
 * Returns a copy of the value of which `JSON.stringify` can write all, or undefined when JSON has
 * nothing for it. Throws what its getters throw, and RangeError, for what is refused.
 *
 * `bytesMax` bounds what is looked at; of what passes, the text may still be larger.
 */
export function toJsonable(value: unknown, bytesMax: number): unknown {
  return new Walk(bytesMax).copy(value);
}

/** A text that the log can hold. */
export function storableText(text: string): string {
  const withoutNul = text.includes("\0") ? text.replaceAll("\0", REPLACEMENT) : text;
  return withoutNul.toWellFormed();
}

class Walk {
  readonly #bytesMax: number;
  #bytes = 0;

  /** The objects that the value stands in, outermost first. */
  readonly #ancestors: object[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  copy(value: unknown): unknown {
    switch (typeof value) {
      case "string":
        this.#spend(value.length + 2);
        return storableText(value);
      case "bigint":
        return this.copy(String(value));
      case "number":
      case "boolean":
        this.#spend(1);
        return value;
      case "object":
        return value === null ? null : this.#copyObject(value);
      default:
        return undefined;
    }
  }

  #copyObject(value: object): unknown {
    if (value instanceof Error) {
      return { name: this.copy(value.name), message: this.copy(value.message) };
    }
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
      this.#spend(value.byteLength);
      return Buffer.from(value as Uint8Array).toString("base64");
    }
    if (this.#ancestors.includes(value)) {
      return "[Circular]";
    }
    if (this.#ancestors.length === NESTING_MAX) {
      throw new RangeError(`it is nested deeper than ${NESTING_MAX} levels`);
    }
    this.#spend(2);
    this.#ancestors.push(value);
    const copied = this.#copyParts(value);
    this.#ancestors.pop();
    return copied;
  }

  #copyParts(value: object): unknown {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      const said: unknown = toJSON.call(value);
      if (said !== value) {
        return this.copy(said);
      }
    }
    if (Array.isArray(value) || value instanceof Set) {
      return Array.from(value, (item) => this.copy(item));
    }
    if (ArrayBuffer.isView(value) && Symbol.iterator in value) {
      return Array.from(value as Iterable<unknown>, (item) => this.copy(item));
    }
    const copied: Record<string, unknown> = {};
    if (value instanceof Map) {
      for (const [key, item] of value) {
        this.#copyField(copied, String(key), item);
      }
    } else {
      for (const key of Object.keys(value)) {
        this.#copyField(copied, key, (value as Record<string, unknown>)[key]);
      }
    }
    return copied;
  }

  #copyField(copied: Record<string, unknown>, key: string, item: unknown): void {
    const name = storableText(key);
    this.#spend(name.length + 3);
    const value = this.copy(item);
    if (name === "__proto__") {
      // Assigned, it would be the copy's prototype.
      Object.defineProperty(copied, name, { value, enumerable: true });
    } else {
      copied[name] = value;
    }
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#bytesMax) {
      throw new RangeError(`it has more than ${this.#bytesMax} bytes`);
    }
  }
}
