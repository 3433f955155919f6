import { IMPORT_MODULE, makeGlue } from "./core-glue.js";
import * as host from "./host.js";
import { utf8Classes } from "./utf8.js";
import { compileModule, instantiateModule } from "./wasm.js";

/** Returns the core's `WebAssembly.Module`. The types of some projects lack this name, so it is an `object` here. */
export type Compile = () => object;

/** The core's exports, which the Rust crate documents. */
export interface Core {
  readonly memory: { readonly buffer: ArrayBuffer };
  start(): number;
  addKey(length: number): number;
  openVerifier(maxBodyBytes: number): number;
  closeVerifier(verifier: number): number;
  precheck(verifier: number, known: boolean, length: number): number;
  verify(verifier: number, length: number, hashed: boolean): number;
  deliver(verifier: number, length: number, hashed: boolean, now: number, maxAge: number, skew: number, requireTimestamp: boolean): number;
  sign(verifier: number, length: number): number;
  openStream(verifier: number): number;
  updateStream(stream: number, length: number): number;
  finishStream(stream: number): number;
  closeStream(stream: number): number;
}

/** The imports of an instance, with wasm-bindgen's function that binds them to it. */
interface Glue extends WebAssembly.ModuleImports {
  __wbg_set_wasm(exports: object): void;
}

const NOTHING: Uint8Array = new Uint8Array();

let compiled: object | undefined;
/** The instance for the next call; `undefined` if that call has to create one. */
let running: Core | undefined;
let instances = 0;

/** Compiles the core, once for the whole program. */
export function start(compile: Compile): void {
  compiled ??= compileModule(compile);
}

function instantiate(): Core {
  // The glue caches views of an instance's memory, so each instance gets its own.
  const glue = makeGlue(utf8Classes()) as Glue;
  const core = instantiateModule(compiled as object, { [IMPORT_MODULE]: glue }) as unknown as Core;
  glue.__wbg_set_wasm(core);
  host.attach(core.memory);
  core.start();
  instances++;
  return core;
}

/** Returns the number of the instance that the next call uses. Handles of earlier instances are stale. */
export function instance(): number {
  running ??= instantiate();
  return instances;
}

/**
 * Calls the core with input bytes, a header, and the text of those bytes if it is known.
 *
 * Throws the `WebhookError` that the core has set. Any other exception, such as a trap or a full stack, interrupts the
 * core: the instance may be in any state, so the next call creates a new one.
 */
export function call(run: (core: Core) => number, input: Uint8Array = NOTHING, header?: string, text?: string): number {
  const core = (running ??= instantiate());
  host.begin(input, header, text);
  running = undefined;
  try {
    const result = run(core);
    running = core;
    if (result >= 0) return result;
  } finally {
    host.end();
  }
  throw host.results.error ?? new Error("Internal error: the handle is stale. Create a new Webhook.");
}
