// The peers, which users could use instead of the package. Each peer gets the body in its fastest form, so that its time
// does not include the decoding of bytes, and signs in its own scheme.
import { createHmac, createSecretKey, timingSafeEqual, webcrypto } from "node:crypto";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import * as octokit from "@octokit/webhooks-methods";
import { createHMAC, createSHA256 } from "hash-wasm";
import * as standard from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";
import * as v from "valibot";
import { HASH_WASM, NODE, STANDARD, SUBTLE, ZOD } from "./names.mjs";
import { valibotDemo } from "./schema.valibot.mjs";
import { zodDemo } from "./schema.zod.mjs";

const same = (bytes) => bytes;
const text = (bytes) => bytes.toString();
const hex = (key) => (bytes) => createHmac("sha256", key).update(bytes).digest("hex");

/** Compares a calculated MAC with a header in hex in constant time. */
function equal(mac, header) {
  const signature = Buffer.from(header, "hex");
  return signature.length === mac.length && timingSafeEqual(mac, signature);
}

const safely = (key, body, header) => equal(createHmac("sha256", key).update(body).digest(), header);

/** Makes a peer that calculates the same MAC. `verify(key)` returns its check. */
const hashing = (name, verify, more = {}) => ({
  name,
  open: async (key) => ({ body: same, sign: hex(key), verify: await verify(key) }),
  ...more,
});

const parsing = (name, read) =>
  hashing(name, (key) => (body, header) => safely(key, body, header) && read(JSON.parse(body)));

/** Makes a peer with the scheme of Standard Webhooks. */
const standardized = (name, { Webhook }, prefix, options) => ({
  name,
  open(key) {
    const webhook = new Webhook(`whsec_${Buffer.from(key).toString("base64")}`);
    const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
    return {
      body: text,
      sign: (bytes) => {
        const now = new Date();
        return {
          [`${prefix}-id`]: id,
          [`${prefix}-timestamp`]: `${Math.floor(now / 1000)}`,
          [`${prefix}-signature`]: webhook.sign(id, now, text(bytes)),
        };
      },
      verify: (body, headers) => webhook.verify(body, headers, options) ?? true,
    };
  },
});

const stripes = (name, verify) => ({
  name,
  open: (secret) => ({
    body: text,
    sign: (bytes) => Stripe.webhooks.generateTestHeaderString({ payload: text(bytes), secret }),
    verify: (body, header) => verify(body, header, secret),
  }),
});

const octokits = (name, verify) => ({
  name,
  async: true,
  open: (key) => ({
    body: text,
    sign: (bytes) => `sha256=${hex(key)(bytes)}`,
    verify: (body, header) => verify(key, body, header),
  }),
});

const signature = [
  hashing("node:crypto ===", (key) => {
    return (body, header) => createHmac("sha256", key).update(body).digest("hex") === header;
  }),
  hashing(NODE, (key) => (body, header) => safely(key, body, header)),
  hashing(`${NODE}, KeyObject`, (key) => {
    const object = createSecretKey(key, "utf8");
    return (body, header) => safely(object, body, header);
  }),
  hashing(
    SUBTLE,
    async (key) => {
      const algorithm = { name: "HMAC", hash: "SHA-256" };
      const imported = await webcrypto.subtle.importKey("raw", Buffer.from(key), algorithm, false, ["verify"]);
      return (body, header) => webcrypto.subtle.verify("HMAC", imported, Buffer.from(header, "hex"), body);
    },
    { async: true },
  ),
  octokits("@octokit/webhooks-methods", octokit.verify),
  stripes("stripe", (...all) => Stripe.webhooks.signature.verifyHeader(...all)),
  standardized(STANDARD, standard, "webhook", { jsonParse: false }),
  standardized("svix (parses)", svix, "svix"),
  hashing("@noble/hashes", (key) => {
    const bytes = Buffer.from(key);
    return (body, header) => equal(hmac(sha256, bytes, body), header);
  }),
  hashing(HASH_WASM, async (key) => {
    const hasher = await createHMAC(createSHA256(), key);
    return (body, header) => equal(hasher.init().update(body).digest("binary"), header);
  }),
];

const delivery = [
  parsing("node:crypto + JSON.parse", same),
  parsing(ZOD, (event) => zodDemo.parse(event)),
  parsing("node:crypto + JSON.parse + valibot strict", (event) => v.parse(valibotDemo, event)),
  octokits("@octokit/webhooks-methods + JSON.parse", async (key, body, header) => {
    return (await octokit.verify(key, body, header)) && JSON.parse(body);
  }),
  stripes("stripe", (...all) => Stripe.webhooks.constructEvent(...all)),
  standardized(STANDARD, standard, "webhook"),
  standardized("svix", svix, "svix"),
];

/** The peers of each group. */
export const peers = { verify: signature, wasmOnly: signature, deliver: delivery, deliverWasmOnly: delivery };
