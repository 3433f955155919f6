// The program that each runtime runs. It runs every vector with each way to hash a body, and counts the calls of the host's
// functions.
import { run } from "../runtimes/conformance.mjs";

const { process } = globalThis;
const crypto = process?.getBuiltinModule?.("node:crypto");
const calls = { hash: 0, createHash: 0 };

/** Wraps these functions of the host. Must be called before the package is loaded. */
export function wrapHost(names) {
  if (crypto === undefined) return;
  const offered = {};
  for (const name of names.filter((name) => crypto[name] !== undefined)) {
    offered[name] = (...args) => {
      calls[name]++;
      return crypto[name](...args);
    };
  }
  const { getBuiltinModule } = process;
  process.getBuiltinModule = (name) => (name === "node:crypto" ? offered : getBuiltinModule.call(process, name));
}

/** Makes a call. Returns its result, and how often each function of the host was called meanwhile. */
function countCalls(call) {
  calls.hash = calls.createHash = 0;
  return { ...call(), calls: { ...calls } };
}

export function paths({ Webhook, explain, native, cases }) {
  const webhook = new Webhook("key");
  const edge = (length) => {
    const body = new Uint8Array(length);
    const signature = webhook.sign(body);
    return { length, ...countCalls(() => webhook.verifySignature(body, signature)) };
  };
  // Infinity is not JSON.
  const runFrom = (from) => {
    native.from = from;
    const edges = [from - 1, from].filter((length) => length >= 0 && length < Infinity);
    return { from: String(from), ...countCalls(() => run({ Webhook, explain }, cases)), edges: edges.map(edge) };
  };
  const { from } = native;
  return [...new Set(crypto === undefined ? [from] : [0, 1024, from, Infinity])].map(runFrom);
}
