/** Texts that UTF-8 can carry. */

/**
 * Returns the text. Throws TypeError, naming what it is, for anything else and for a text with a
 * lone surrogate: encoding would silently put U+FFFD in its place, and something other than what
 * was sent would be stored.
 */
export function wellFormed(text: string, name: string): string {
  if (typeof text !== "string") {
    throw new TypeError(
      `${name} is ${text === null ? "null" : `a ${typeof text}`}, expected a string`,
    );
  }
  if (!text.isWellFormed()) {
    throw new TypeError(`${name} has a lone surrogate: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text;
}

/** Writes a value as JSON text. Throws TypeError, naming what it is, for what JSON cannot say. */
export function toJson(value: unknown, name: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(`${name} is no JSON: ${(error as Error).message}`);
  }
  if (text === undefined) {
    throw new TypeError(`${name} is no JSON: it is a ${typeof value}`);
  }
  return text;
}
