import { InputError, isBytes, MOST_BYTES } from "./input.js";
import { utf8 } from "./utf8.js";

/** A key: a string that stands for its UTF-8, or bytes; or several, the current one first. */
export type Key = string | Uint8Array | readonly (string | Uint8Array)[];

/** The keys of each webhook. The package exports neither this module nor its functions, so other code can't read them. */
const keysOfWebhooks = new WeakMap<object, readonly Uint8Array[]>();

/** Keeps the keys of a webhook. */
export function setKeys(webhook: object, keys: readonly Uint8Array[]): void {
  keysOfWebhooks.set(webhook, keys);
}

/** Gets the keys of a webhook; `undefined` for anything else. */
export function getKeys(webhook: object): readonly Uint8Array[] | undefined {
  return keysOfWebhooks.get(webhook);
}

/** Copies the bytes of keys. The core rejects empty keys and a wrong number of them. */
export function readKeys(key: Key): Uint8Array[] {
  return Array.from(Array.isArray(key) ? key : [key], readKey);
}

function readKey(key: unknown): Uint8Array {
  if (typeof key === "string" && key.isWellFormed()) return utf8().encoder.encode(key);
  // A detached array has no length any more, so it counts as empty.
  if (isBytes(key) && key.length <= MOST_BYTES) return key.length === 0 ? new Uint8Array() : Uint8Array.from(key);
  const found =
    typeof key === "string" ? "a string with a lone surrogate" : isBytes(key) ? "2 GiB or more" : key === null ? "null" : typeof key;
  throw new InputError(
    "invalid_key",
    `A key must be a string or a Uint8Array, but this is ${found}.`,
    "Check that the environment variable with the key is set.",
    500,
  );
}
