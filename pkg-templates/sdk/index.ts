/**
 * Receives webhooks from Walnut safely: verified on the raw bytes, typed, in every JavaScript runtime.
 *
 * @module
 */
import { module } from "./core-module.js";
import type { Key } from "./keys.js";
import { Verifier, type WebhookOptions } from "./webhook.js";

export { WebhookError } from "./error.js";
export { MemoryStore, type MemoryStoreOptions, type SeenState, type SeenStore } from "./seen.js";
export type * from "./contract.js";
export type * from "./delivery.js";
export type { RawBody, SignatureHeader } from "./input.js";
export type { Key } from "./keys.js";
export type { WebhookOptions, WebhookStream } from "./webhook.js";

/**
 * Verifies what Walnut sends under one key, or under several while a reset is under way.
 *
 * Make it once and use it for every request: it is synchronous, and safe to share.
 *
 * @example
 * const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY!);
 * const delivery = webhook.verify(rawBody, request.headers);
 */
export class Webhook extends Verifier {
  /**
   * @param key - The key shown in Walnut's settings, as it stands; or several, the current one first.
   * @throws WebhookError `invalid_key` when a key is empty, there is none, or there are more than four.
   * @throws RangeError when a limit in `options` is no whole number in its range; `TypeError` when `now` is no function.
   */
  constructor(key: Key, options?: WebhookOptions) {
    super(module, key, options);
  }
}
