import * as core from "./core_bg.js";
import * as host from "./host.js";

/** Gets the core's compiled module: a `WebAssembly.Module`, a name that not every project's types have. */
export type Compile = () => object;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  __wbindgen_start(): void;
}

const NOTHING: Uint8Array = new Uint8Array();

let compiled: object | undefined;
let running = false;
let instances = 0;

/** Compiles the core, once for the whole program. */
export function start(compile: Compile): void {
  compiled ??= compile();
}

/** Names the instance of the core that the next call uses: what an earlier one held is gone. */
export function instance(): number {
  if (!running) {
    const { exports } = new WebAssembly.Instance(compiled as WebAssembly.Module, { "./core_bg.js": core });
    core.__wbg_set_wasm(exports);
    (exports as unknown as Exports).__wbindgen_start();
    host.attach((exports as unknown as Exports).memory);
    core.start();
    instances++;
    running = true;
  }
  return instances;
}

/**
 * Calls the core about some bytes, and a header or an event.
 *
 * What Rust refuses is thrown as a `WebhookError`. Anything else that is thrown came out of the middle of
 * a call, a trap or a full stack: the instance may be in any state, so the next call gets a fresh one.
 */
export function call(run: () => number, bytes: Uint8Array = NOTHING, header?: string, event?: unknown): number {
  instance();
  host.hold(bytes, header, event);
  running = false;
  try {
    const result = run();
    running = true;
    if (result >= 0) return result;
  } finally {
    host.release();
  }
  throw host.refusal ?? new Error("walnut-webhooks has lost what this call is about: make another Webhook");
}
