// Workers and edge functions do not compile WebAssembly from bytes, so the module is imported. `?module` is the form that all
// their bundlers know: without it, Nitro gives an instance, and Next nothing.
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
