// Measures the memory of WebAssembly after many long bodies, from outside the package: the program keeps a reference to
// the memory of every instance in this process. Prints the bytes after 10 bodies and after 1,000.
import { createHmac } from "node:crypto";
import { body } from "./bodies.mjs";

const memories = [];
WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, [module, imports = {}], newTarget) {
    const instance = Reflect.construct(target, [module, imports], newTarget);
    const all = [instance.exports, ...Object.values(imports)].flatMap((part) => Object.values(part));
    memories.push(...all.filter((value) => value instanceof WebAssembly.Memory));
    return instance;
  },
});
const { ours, streamed } = await import("./ours.mjs");

const key = "the key of many long bodies";
const bytes = body(1 << 20);
const ways = {
  deliver: () => ours.deliver.open(key).verify,
  deliverWasmOnly: () => ours.deliverWasmOnly.open(key).verify,
  stream: () => streamed(key),
};

const verify = ways[process.argv[2]]();
// Node.js signs, because the package's other copy would start an instance, whose memory would be counted.
const header = createHmac("sha256", key).update(bytes).digest("hex");
const held = {};
for (let done = 1; done <= 1000; done++) {
  verify(bytes, header);
  if (done === 10 || done === 1000) held[done] = memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
if (memories.length === 0) throw new Error("no WebAssembly memory was seen: the package creates its instance in another way");
console.log(JSON.stringify(held));
