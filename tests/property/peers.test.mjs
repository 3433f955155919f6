// Compares other packages for checking webhooks with this one, on random keys and bodies. Each signs the same
// HMAC-SHA256 in a different format. They accept only text, so the bodies here are text.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import * as octokit from "@octokit/webhooks-methods";
import { Webhook as Standard } from "standardwebhooks";
import Stripe from "stripe";
import { generate, raw } from "./cases.mjs";
import { imported, wasmOnly } from "./copies.mjs";
import { seed } from "./oracle.mjs";

const CASES = 5_000;
const ID = "msg_1";

const base64 = (hex) => Buffer.from(hex, "hex").toString("base64");
const nodeSignature = (key, body) => createHmac("sha256", raw(key)).update(body).digest("hex");
const standard = (key) => new Standard(Buffer.from(raw(key)).toString("base64"));
const succeeds = (call) => {
  try {
    call();
    return true;
  } catch {
    return false;
  }
};

/**
 * Each peer's functions: `signed` makes the text to sign from a body, `sign` makes a header, `written` makes the header
 * with a given signature, and `verify` checks a header. `textKeys` says that keys must be text.
 */
const peers = {
  "node:crypto": {
    signed: (body) => body,
    sign: nodeSignature,
    written: (hex) => hex,
    verify: (key, body, header) => nodeSignature(key, body) === header,
  },
  "@octokit/webhooks-methods": {
    textKeys: true,
    signed: (body) => body,
    sign: octokit.sign,
    written: (hex) => `sha256=${hex}`,
    verify: octokit.verify,
  },
  stripe: {
    textKeys: true,
    signed: (body, seconds) => `${seconds}.${body}`,
    sign: (secret, payload, timestamp) => Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }),
    written: (hex, seconds) => `t=${seconds},v1=${hex}`,
    verify: (key, body, header) => succeeds(() => Stripe.webhooks.signature.verifyHeader(body, header, key)),
  },
  standardwebhooks: {
    signed: (body, seconds) => `${ID}.${seconds}.${body}`,
    sign: (key, body, seconds) => standard(key).sign(ID, new Date(seconds * 1000), body),
    written: (hex) => `v1,${base64(hex)}`,
    verify: (key, body, header, seconds) => {
      const headers = { "webhook-id": ID, "webhook-timestamp": `${seconds}`, "webhook-signature": header };
      return succeeds(() => standard(key).verify(body, headers, { jsonParse: false }));
    },
  },
};

for (const [way, { Webhook }] of Object.entries({ "as imported": imported, "WebAssembly only": wasmOnly })) {
  for (const [name, peer] of Object.entries(peers)) {
    test(`Node, ${way}: ${name} signs and accepts the same as this package in ${CASES} random cases`, async () => {
      let compared = 0;
      for (let index = 0; index < CASES; index++) {
        const { signer, signed } = generate(seed, index);
        // Stripe rejects keys that have only blanks.
        if (peer.textKeys && (typeof signer !== "string" || signer.trim() === "")) continue;
        // Some peers reject empty bodies, so this one has a prefix. Some reject old times, so the time is the current one.
        const body = `é${Buffer.from(signed).toString("latin1")}`;
        const howToRepeat = `To repeat: PROPERTY_SEED=${seed} node --test tests/property/peers.test.mjs, case ${index}`;
        const webhook = new Webhook(signer);
        const seconds = Math.floor(Date.now() / 1000);
        const text = peer.signed(body, seconds);
        const ours = webhook.sign(text);
        assert.equal(await peer.sign(signer, body, seconds), peer.written(ours, seconds), howToRepeat);
        assert.equal(webhook.verifySignature(text, ours).keyIndex, 0, howToRepeat);

        const at = index % 64;
        const other = (parseInt(ours[at], 16) ^ 1).toString(16);
        const forged = ours.slice(0, at) + other + ours.slice(at + 1);
        const accepts = (hex) => peer.verify(signer, body, peer.written(hex, seconds), seconds);
        assert.equal(await accepts(ours), true, howToRepeat);
        assert.equal(await accepts(forged), false, howToRepeat);
        assert.throws(() => webhook.verifySignature(text, forged), { code: "signature_mismatch" }, howToRepeat);
        compared++;
      }
      assert.ok(compared > CASES / 5, `only ${compared} of ${CASES}`);
    });
  }
}
