// SHA-256 by the host, if the host has a synchronous one, which uses the processor's instructions. All decisions stay
// in the core.

/** The used part of `node:crypto`. */
interface Crypto {
  createHash(algorithm: string): Hash;
  /** Node 20.12 and newer. */
  hash?(algorithm: string, data: Uint8Array, encoding: "latin1"): string;
}

interface Hash {
  update(data: Uint8Array): Hash;
  digest(encoding: "latin1"): string;
}

interface Host {
  EdgeRuntime?: string;
  process?: { getBuiltinModule?(name: string): unknown; versions?: Record<string, string> };
  navigator?: { userAgent?: string };
}

const host = globalThis as Host;
const { process } = host;
// Edge functions throw even if code only reads `getBuiltinModule`.
const builtin = host.EdgeRuntime === undefined ? process?.getBuiltinModule : undefined;
let crypto: Crypto | undefined;

/** The body lengths, in bytes, from which the host's hash is faster than the core's: `make bench` shows them. */
const FROM = { node: 256, bun: 128, deno: 1024, workerd: 1536 };

/** The length up to which it is faster to copy a body behind its prefix and hash both at once, in bytes. */
const COPIED = 4 << 10;

/** The body length from which the host hashes; infinite if the host can't. */
export const native = { from: builtin === undefined ? Infinity : FROM[runtime()] };

function runtime(): keyof typeof FROM {
  if (host.navigator?.userAgent === "Cloudflare-Workers") return "workerd";
  const { bun, deno } = host.process?.versions ?? {};
  return bun !== undefined ? "bun" : deno !== undefined ? "deno" : "node";
}

let isFirst = true;

/** Whether the host should hash a body of this length. */
export function hashes(length: number): boolean {
  if (length < native.from) return false;
  if (isFirst) {
    // Loading the module takes as long as verifying a thousand short bodies. A process that verifies only one skips it.
    isFirst = false;
    return false;
  }
  // Not an import: bundlers for browsers would look for it.
  crypto ??= builtin?.call(process, "node:crypto") as Crypto | undefined;
  if (crypto === undefined) native.from = Infinity;
  return crypto !== undefined;
}

/** Returns the digest of a prefix and a body, one character per byte. `memory` has room for `COPIED` bytes behind the prefix. */
export function sha256(memory: Uint8Array, prefix: number, prefixLength: number, body: Uint8Array): string {
  const { createHash, hash } = crypto as Crypto;
  const end = prefix + prefixLength;
  if (hash === undefined || body.length > COPIED) {
    return createHash("sha256").update(memory.subarray(prefix, end)).update(body).digest("latin1");
  }
  memory.set(body, end);
  return hash("sha256", memory.subarray(prefix, end + body.length), "latin1");
}
