// The package twice in one process: as anybody imports it, and with nothing but its WebAssembly to hash with.
import { createRequire } from "node:module";
import * as imported from "walnut-webhooks";

/** Loads the CommonJS build, a copy of its own, where no native hash is to be found. */
function withoutNativeHash() {
  const own = Object.getOwnPropertyDescriptor(process, "getBuiltinModule");
  Object.defineProperty(process, "getBuiltinModule", { ...own, value: undefined });
  try {
    return createRequire(import.meta.url)("walnut-webhooks");
  } finally {
    Object.defineProperty(process, "getBuiltinModule", own);
  }
}

const wasmOnly = withoutNativeHash();
if (wasmOnly.Webhook === imported.Webhook) {
  throw new Error("import and require must load two copies of walnut-webhooks, but there is one");
}

export { imported, wasmOnly };
