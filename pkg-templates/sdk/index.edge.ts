// Workers and edge functions do not compile WebAssembly from bytes, so the module is imported. All their bundlers support
// `?module`. Without it, the import is an instance in Nitro, and empty in Next.
import compiled from "./core.wasm?module";
import type { Key } from "./keys.js";
import { Verifier, type WebhookOptions } from "./webhook.js";

export { isWebhookError, WebhookError } from "./error.js";
export { MemoryStore } from "./seen.js";

export class Webhook extends Verifier {
  constructor(key: Key, options?: WebhookOptions) {
    super(() => compiled, key, options);
  }
}
