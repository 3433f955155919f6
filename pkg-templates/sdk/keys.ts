import { InputError, isBytes, MOST_BYTES } from "./input.js";
import { kind } from "./options.js";
import { utf8 } from "./utf8.js";

/**
 * A key, as bytes or as a string, which is encoded as UTF-8; or a list of keys, the current one first. The types accept
 * `undefined`, the value of an environment variable that is not set, but it throws `invalid_key`.
 */
export type Key = string | undefined | Uint8Array | readonly (string | undefined | Uint8Array)[];

/** Returns the keys of a webhook; `undefined` for anything else. */
export type KeyReader = (webhook: object) => readonly Uint8Array[] | undefined;

let offered: KeyReader | undefined;

/** Offers the function that reads the private keys of a webhook. */
export function offerKeyReader(reader: KeyReader): void {
  offered ??= reader;
}

let taken = false;

/**
 * Returns a function that reads the keys of a webhook, but only to the first caller: `/explain`, when it is loaded. The
 * package does not export this function. Code that imports this file by its path before `/explain` is loaded can read
 * keys, but any code in the process can read them by other means, too.
 */
export function takeKeyReader(): KeyReader {
  if (taken) return () => undefined;
  taken = true;
  // The reader may be offered later: `/explain` can be loaded before `Webhook` is.
  return (webhook) => offered?.(webhook);
}

/** Copies the bytes of keys. The core rejects empty keys and a wrong number of them. */
export function readKeys(key: Key): Uint8Array[] {
  return Array.from(Array.isArray(key) ? key : [key], readKey);
}

function readKey(key: unknown): Uint8Array {
  if (typeof key === "string" && key.isWellFormed()) return utf8().encoder.encode(key);
  // The length of a detached array is 0, so it counts as empty.
  if (isBytes(key) && key.length <= MOST_BYTES) return key.length === 0 ? new Uint8Array() : Uint8Array.from(key);
  const found = typeof key === "string" ? "a string with a lone surrogate" : isBytes(key) ? "2 GiB or more" : kind(key);
  throw new InputError(
    "invalid_key",
    `A key must be a string or a Uint8Array, but this is ${found}.`,
    "Check that the environment variable with the key is set.",
    500,
  );
}
