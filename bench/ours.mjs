// The package twice: as anybody imports it, and with nothing but its WebAssembly to hash with.
import { createRequire } from "node:module";
import { Webhook } from "walnut-webhooks";
import { OURS } from "./names.mjs";

/** Loads the package's CommonJS build, a copy of its own, where no native hash is to be found. */
function withoutNativeHash() {
  const own = Object.getOwnPropertyDescriptor(process, "getBuiltinModule");
  Object.defineProperty(process, "getBuiltinModule", { ...own, value: undefined });
  try {
    return createRequire(import.meta.url)("walnut-webhooks");
  } finally {
    Object.defineProperty(process, "getBuiltinModule", own);
  }
}

/** The copy that has only its WebAssembly. */
export const wasmOnly = withoutNativeHash();
if (wasmOnly.Webhook === Webhook) throw new Error("import and require must load two copies, but there is one");

const opened = (Webhook, method) => ({
  name: OURS,
  open(key) {
    const webhook = new Webhook(key);
    return {
      body: (bytes) => bytes,
      sign: (bytes) => webhook.sign(bytes),
      verify: (body, header) => webhook[method](body, header),
    };
  },
});

/** Our side of each group. */
export const ours = {
  verify: opened(Webhook, "verifySignature"),
  wasmOnly: opened(wasmOnly.Webhook, "verifySignature"),
  deliver: opened(Webhook, "verify"),
  deliverWasmOnly: opened(wasmOnly.Webhook, "verify"),
};
