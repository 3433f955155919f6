// Workers do not compile WebAssembly from bytes, so the module is imported. Wrangler takes the import with and without
// `?module`; Nitro gives an instance instead of the module without it.
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
