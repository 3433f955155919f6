// Random cases of a body, its keys and its header, and the package's verdict on a case. The same seed makes the same cases in
// every runtime. This module uses only the language, so a page can load it.

const encoder = new TextEncoder();
const KIB = 1024;

// A block of SHA-256 has 64 bytes, and 55 is the longest body that fits into one. 64 KiB is the package's window
// of memory.
const BORDERS = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 191, 192, 193];
const WINDOWS = [1, 2, 3].flatMap((count) => [-1, 0, 1].map((off) => count * 64 * KIB + off));

/** The changes to a signed body, its signature or the keys. */
export const MUTATIONS = [
  "none",
  "bit of the body",
  "body cut",
  "body extended",
  "bit of the signature",
  "uppercase signature",
  "another key",
  "previous key",
];

/** Makes the source of randomness for case `index` of a seed: mulberry32, by Tommy Ettinger, public domain. */
function random(seed, index) {
  let state = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit) => Math.floor(next() * limit);
  return { below, pick: (all) => all[below(all.length)] };
}

const { below: noise } = random(1, 1);
const pool = Uint8Array.from({ length: 512 * KIB }, () => noise(256));

function key({ below, pick }) {
  const length = pick([1 + below(200), 1 + below(200), pick([1, 31, 32, 33, 63, 64, 65, 199, 200])]);
  if (below(3) > 0) return bytes({ below }, length);
  // Like most users' keys: text, sometimes beyond ASCII.
  const most = pick([0x7f, 0x7ff]);
  return String.fromCharCode(...Array.from({ length: Math.ceil(length / 2) }, () => 1 + below(most)));
}

/** Random bytes, most of which begin in the middle of their buffer. */
function bytes({ below }, length) {
  const from = below(pool.length - length);
  return pool.subarray(from, from + length);
}

function bodyLength({ below, pick }) {
  const kind = below(100);
  if (kind < 60) return below(300);
  if (kind < 85) return pick(BORDERS) + 64 * below(3);
  if (kind < 97) return below(5 * KIB);
  return kind < 99 ? pick(WINDOWS) : below(200 * KIB);
}

/** The places to cut a body at, in ascending order. They can be few or many, at a border, and twice at the same place. */
function cuts({ below, pick }, length) {
  const count = length < 200 && below(4) === 0 ? length : below(6);
  const place = () => Math.min(length, pick([below(length + 1), pick(BORDERS), pick(WINDOWS)]));
  return Array.from({ length: count }, place).sort((a, b) => a - b);
}

function flipped(original, { below }) {
  const copy = original.slice();
  copy[below(copy.length)] ^= 1 << below(8);
  return copy;
}

/**
 * Makes case `index` of a seed. `header` makes the header with the signature of `signed` by `signer`, in
 * hex. Another implementation must calculate it, because the tested code must not sign.
 */
export function generate(seed, index) {
  const from = random(seed, index);
  const mutation = from.pick(MUTATIONS);
  const signer = key(from);
  const signed = bytes(from, bodyLength(from));
  let [keys, body, header] = [[signer], signed, (signature) => signature];
  // An empty body has nothing to flip or to cut off, so it grows.
  const change = signed.length === 0 && /^(bit of the body|body cut)$/.test(mutation) ? "body extended" : mutation;
  if (change === "bit of the body") body = flipped(signed, from);
  if (change === "body cut") body = signed.subarray(0, from.below(signed.length));
  if (change === "body extended") {
    body = new Uint8Array(signed.length + from.pick([1, 1 + from.below(100)]));
    body.set(signed);
  }
  if (change === "bit of the signature") {
    const [at, bit] = [from.below(64), 1 << from.below(4)];
    const digit = (signature) => (parseInt(signature[at], 16) ^ bit).toString(16);
    header = (signature) => signature.slice(0, at) + digit(signature) + signature.slice(at + 1);
  }
  if (change === "uppercase signature") header = (signature) => signature.toUpperCase();
  if (change === "another key") keys = [key(from)];
  if (change === "previous key") keys = [key(from), signer];
  return { index, mutation, signer, signed, keys, body, header, cuts: cuts(from, body.length) };
}

/** A key's bytes. */
export const raw = (key) => (typeof key === "string" ? encoder.encode(key) : key);

/** The package's verdict on a case with its header, at once and piece by piece: a key's index, or a code. */
export function verdicts(Webhook, { keys, body, cuts }, header) {
  const verdictOf = (call) => {
    try {
      return call(new Webhook(keys)).keyIndex;
    } catch (error) {
      return error.code ?? String(error);
    }
  };
  const pieces = (webhook) => {
    const stream = webhook.stream();
    [...cuts, body.length].reduce((from, to) => (stream.update(body.subarray(from, to)), to), 0);
    return stream.finish(header);
  };
  return { verifySignature: verdictOf((webhook) => webhook.verifySignature(body, header)), stream: verdictOf(pieces) };
}
