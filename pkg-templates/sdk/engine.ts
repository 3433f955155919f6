import * as imports from "./core_bg.js";
import * as host from "./host.js";

/** Gets the core's compiled module: a `WebAssembly.Module`, a name that not every project's types have. */
export type Compile = () => object;

/** What the core exports: src/wasm.rs says what it does. */
interface Core {
  readonly memory: { readonly buffer: ArrayBuffer };
  __wbindgen_start(): void;
  start(): number;
  addKey(length: number): number;
  openVerifier(maxBodyBytes: number): number;
  closeVerifier(verifier: number): number;
  precheck(verifier: number, known: boolean, length: number): number;
  verify(verifier: number, length: number, hashed: boolean): number;
  sign(verifier: number, length: number): number;
  openStream(verifier: number): number;
  updateStream(stream: number, length: number): number;
  finishStream(stream: number): number;
  closeStream(stream: number): number;
  read(length: number, scan: boolean, hashed: boolean, now: number, maxAge: number, skew: number): number;
  notJson(length: number, decoded: boolean): number;
}

/** The instance at hand, for a `call`. */
export let core: Core;

const NOTHING: Uint8Array = new Uint8Array();

let compiled: object | undefined;
let running = false;
let instances = 0;
let depth = 0;

/** Compiles the core, once for the whole program. */
export function start(compile: Compile): void {
  compiled ??= compile();
}

/** Names the instance of the core that the next call uses: what an earlier one held is gone. */
export function instance(): number {
  if (!running) {
    const fresh = new WebAssembly.Instance(compiled as WebAssembly.Module, { "./core_bg.js": imports });
    core = fresh.exports as unknown as Core;
    imports.__wbg_set_wasm(core);
    core.__wbindgen_start();
    host.attach(core.memory);
    depth = core.start();
    instances++;
    running = true;
  }
  return instances;
}

/** Returns the deepest nesting that the core accepts. */
export function maxDepth(): number {
  return depth;
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
