// SHA-256 by the host, where it has one that needs no `await`. It is what processors have an instruction
// for; the core keeps everything that decides.

/** What is used of `node:crypto`. */
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
// Edge functions throw where it is as much as looked at.
const builtin = host.EdgeRuntime === undefined ? process?.getBuiltinModule : undefined;
let crypto: Crypto | undefined;

/** The body lengths, in bytes, from which the host's hash is the faster one: `make bench` shows them. */
const FROM = { node: 256, bun: 128, deno: 1024, workerd: 1536 };

/** The length up to which it is faster to copy a body behind its prefix and hash both at once, in bytes. */
const COPIED = 4 << 10;

/** From which body length on the host hashes; beyond all lengths where it can't. */
export const native = { from: builtin === undefined ? Infinity : FROM[runtime()] };

function runtime(): keyof typeof FROM {
  if (host.navigator?.userAgent === "Cloudflare-Workers") return "workerd";
  const { bun, deno } = host.process?.versions ?? {};
  return bun !== undefined ? "bun" : deno !== undefined ? "deno" : "node";
}

let isFirst = true;

/** Whether the host is to hash a body of this length. */
export function hashes(length: number): boolean {
  if (length < native.from) return false;
  if (isFirst) {
    // To load the module takes as long as a thousand short bodies: who starts for one only does without.
    isFirst = false;
    return false;
  }
  // Not an import: bundlers for browsers would look for it.
  crypto ??= builtin?.call(process, "node:crypto") as Crypto | undefined;
  if (crypto === undefined) native.from = Infinity;
  return crypto !== undefined;
}

let joined: Uint8Array | undefined;

/** The digest of a prefix of one block at most and a body, a character a byte. */
export function sha256(prefix: Uint8Array, body: Uint8Array): string {
  const { createHash, hash } = crypto as Crypto;
  if (hash === undefined || body.length > COPIED) {
    return createHash("sha256").update(prefix).update(body).digest("latin1");
  }
  joined ??= new Uint8Array(64 + COPIED);
  joined.set(prefix);
  joined.set(body, prefix.length);
  const digest = hash("sha256", joined.subarray(0, prefix.length + body.length), "latin1");
  joined.fill(0, 0, prefix.length); // It was made of a key.
  return digest;
}
