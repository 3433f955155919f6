// Measures inside workerd. workerd.mjs bundles this file, and calls it once for each length of body.
import { Webhook } from "walnut-webhooks";
import { ready } from "./candidate.mjs";
import { NODE, OURS, SUBTLE } from "./names.mjs";
import { rounds } from "./rounds.mjs";

// The clock of a deployed Worker advances only with I/O. In local workerd it always advances, but by whole milliseconds, so
// a turn lasts many milliseconds.
const SLICE_MS = 80;

const algorithm = { name: "HMAC", hash: "SHA-256" };
const same = (bytes) => bytes;

const walnut = {
  name: OURS,
  open(key) {
    const webhook = new Webhook(key);
    return {
      body: same,
      sign: (bytes) => webhook.sign(bytes),
      verify: (body, header) => webhook.verifySignature(body, header),
    };
  },
};

const subtle = {
  name: SUBTLE,
  async: true,
  async open(text) {
    const bytes = new TextEncoder().encode(text);
    const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign", "verify"]);
    return {
      body: same,
      sign: async (bytes) => {
        const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
        return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("");
      },
      verify: (body, header) => crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(header), body),
    };
  },
};

const node = async () => {
  const { createHmac, timingSafeEqual } = await import("node:crypto");
  const { Buffer } = await import("node:buffer");
  const hmac = (key, bytes) => createHmac("sha256", key).update(bytes);
  return {
    name: NODE,
    open: (key) => ({
      body: same,
      sign: (bytes) => hmac(key, bytes).digest("hex"),
      verify: (body, header) => {
        const [mac, signature] = [hmac(key, body).digest(), Buffer.from(header, "hex")];
        return signature.length === mac.length && timingSafeEqual(mac, signature);
      },
    }),
  };
};

export default {
  async fetch(request, { key, count, nodeCompat }) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    const all = nodeCompat ? [walnut, subtle, await node()] : [walnut, subtle];
    const candidates = [];
    for (const candidate of all) candidates.push(await ready(candidate, key, bytes));
    return Response.json(await rounds(candidates, { count, slice: SLICE_MS }));
  },
};
