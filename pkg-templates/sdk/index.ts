/**
 * Receives webhooks from Walnut safely: verified on the raw bytes, typed, in every JavaScript runtime.
 *
 * @module
 */
import { module } from "./core-module.js";
import type { Key } from "./keys.js";
import { Verifier, type WebhookOptions } from "./webhook.js";

export { isWebhookError, WebhookError } from "./error.js";
export { MemoryStore, type MemoryStoreOptions, type SeenState, type SeenStore } from "./seen.js";
export type * from "./contract.js";
export type * from "./delivery.js";
export type { RawBody, SignatureHeader } from "./input.js";
export type { Key } from "./keys.js";
export type { WebhookOptions, WebhookStream } from "./webhook.js";

/**
 * Verifies webhooks from Walnut with one key, or with several during a key reset.
 *
 * Create it once and use it for every request: it is synchronous, and safe to share.
 *
 * @example
 * const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
 * const delivery = webhook.verify(rawBody, request.headers);
 */
export class Webhook extends Verifier {
  /**
   * @param key - The key exactly as Walnut's settings show it, or a list of up to four keys, the current one first.
   * @throws WebhookError `invalid_key` when a key is empty or `undefined`, or a list has no key or more than four.
   * @throws TypeError when an option is misspelt or of the wrong type; RangeError when a number is out of its range.
   */
  constructor(key: Key, options?: WebhookOptions) {
    super(module, key, options);
  }
}
