// The package twice in one process: imported normally, and with only its WebAssembly for hashing.
import { createRequire } from "node:module";
import * as imported from "walnut-webhooks";

/** Loads the CommonJS build, which is a separate copy, without a native hash. */
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
