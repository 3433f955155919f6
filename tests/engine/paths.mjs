// The program for every runtime: runs every vector with each way to hash a body, and counts the calls of the host's
// functions.
import { run } from "../runtimes/conformance.mjs";

const { process } = globalThis;
const crypto = process?.getBuiltinModule?.("node:crypto");
const asked = { hash: 0, createHash: 0 };

/** Wraps these functions of the host. Must be called before the package is loaded. */
export function offer(names) {
  if (crypto === undefined) return;
  const offered = {};
  for (const name of names.filter((name) => crypto[name] !== undefined)) {
    offered[name] = (...args) => {
      asked[name]++;
      return crypto[name](...args);
    };
  }
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (name) => (name === "node:crypto" ? offered : getBuiltinModule.call(process, name));
}

/** Makes a call. Returns its result, and how often each function of the host was called meanwhile. */
function asking(call) {
  asked.hash = asked.createHash = 0;
  return { ...call(), asked: { ...asked } };
}

export function paths({ Webhook, explain, native, cases }) {
  const webhook = new Webhook("key");
  const edge = (length) => {
    const body = new Uint8Array(length);
    const signature = webhook.sign(body);
    return { length, ...asking(() => webhook.verifySignature(body, signature)) };
  };
  // Infinity is not JSON.
  const taken = (from) => {
    native.from = from;
    const edges = [from - 1, from].filter((length) => length >= 0 && length < Infinity);
    return { from: String(from), ...asking(() => run({ Webhook, explain }, cases)), edges: edges.map(edge) };
  };
  const { from } = native;
  return [...new Set(crypto === undefined ? [from] : [0, 1024, from, Infinity])].map(taken);
}
