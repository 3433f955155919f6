// Watches the objects that the package leaves to the garbage collector. Must be imported before the package.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

let instances = 0;
let memories = 0;
let newest;
let finalized = 0;

// A WeakRef would keep its target until the job ends.
const memoryRegistry = new FinalizationRegistry(() => memories--);

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(Instance, args) {
    const instance = new Instance(...args);
    newest = instance.exports.memory;
    memoryRegistry.register(newest);
    instances++;
    memories++;
    return instance;
  },
});

globalThis.FinalizationRegistry = new Proxy(FinalizationRegistry, {
  construct: (Registry, [finalize]) =>
    new Registry((held) => {
      finalized++;
      finalize(held);
    }),
});

/** How many instances of WebAssembly were started. */
export const instancesStarted = () => instances;

/** How many memories of instances exist, in use or referenced. */
export const memoriesHeld = () => memories;

/** The length of the newest instance's memory, in bytes. */
export const memoryBytes = () => newest.buffer.byteLength;

/** How often a sequence of bytes occurs in the newest instance's memory. */
export const occurrences = (bytes) => Buffer.from(newest.buffer).toString("latin1").split(bytes.toString("latin1")).length - 1;

/** How many of the package's objects have been finalized so far. */
export const finalizations = () => finalized;

/** Collects garbage until a condition holds, and returns whether it did. */
export async function collected(condition) {
  for (let turn = 0; turn < 100; turn++) {
    gc();
    // Finalizers run between turns.
    await new Promise(setImmediate);
    if (condition()) return true;
  }
  return false;
}
