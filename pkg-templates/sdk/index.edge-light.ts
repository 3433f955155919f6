// Edge functions refuse WebAssembly compiled from bytes: the module is imported, in their syntax.
import compiled from "./core.wasm?module";
import type { Key } from "./keys.js";
import { Verifier, type WebhookOptions } from "./webhook.js";

export { WebhookError } from "./error.js";
export { MemoryStore } from "./seen.js";

export class Webhook extends Verifier {
  constructor(key: Key, options?: WebhookOptions) {
    super(() => compiled, key, options);
  }
}
