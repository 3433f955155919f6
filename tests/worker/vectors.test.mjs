// Sends every vector over HTTP, through the Worker in workerd, to an origin.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { startEdge } from "../../tools/edge.mjs";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";
import { DIRECT, sha256, startOrigin } from "./support.mjs";

const LATER = new Date(Date.now() + 60 * 60 * 1000).toISOString();
const STATUS = { missing_signature: 401, malformed_signature: 401, signature_mismatch: 401, body_too_large: 413 };

/** Returns the secrets for a case's keys, or `undefined` if the Worker can't have them: it has one or two keys, as text. */
function secrets({ keys }) {
  const text = keys.map((key) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(key));
  if (keys.length > 2 || keys.some((key, index) => Buffer.compare(key, Buffer.from(text[index])) !== 0)) return undefined;
  const [current, previous] = text;
  if (previous === undefined) return { WALNUT_WEBHOOK_KEY: current };
  return {
    WALNUT_WEBHOOK_KEY: current,
    WALNUT_WEBHOOK_KEY_PREVIOUS: previous,
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: LATER,
  };
}

/** The cases by the bindings that they need, as JSON. */
const groups = new Map();
for (const one of cases()) {
  const bindings = JSON.stringify(one.bindings);
  groups.set(bindings, [...(groups.get(bindings) ?? []), one]);
}

function cases() {
  return read(vectors)
    .filter(({ via }) => via.includes("http"))
    .map((one) => ({ ...one, bindings: secrets(one) }))
    .filter(({ bindings }) => bindings !== undefined)
    .map((one) => {
      const limit = one.maxBodyBytes === undefined ? {} : { MAX_BODY_BYTES: String(one.maxBodyBytes) };
      return { ...one, bindings: { ...one.bindings, ...limit } };
    });
}

/** Posts a body with an unchanged header. Unlike `fetch`, it can repeat the header and keep blanks around the value. */
function send(url, { body, header }) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": body.length };
    if (header !== null) headers["X-Walnut-Signature"] = header;
    const sent = request(url, { method: "POST", headers, agent: false }, async (response) => {
      const pieces = [];
      for await (const piece of response) pieces.push(piece);
      resolve({ status: response.statusCode, ...JSON.parse(Buffer.concat(pieces)) });
    });
    sent.on("error", reject).end(body);
  });
}

/** Returns the headers with which the origin must receive a delivery. */
function expectedHeaders({ body }, { code, keyIndex, name, type, id }) {
  const unknown = code === "not_json";
  return {
    "walnut-delivery-id": unknown ? `body:${sha256(body)}` : id,
    "walnut-delivery-type": unknown ? "unknown" : type,
    "walnut-delivery-name": unknown || name === null ? undefined : encoded(name),
    "walnut-key": keyIndex === 0 ? "current" : "previous",
  };
}

const encoded = (name) =>
  Buffer.from(name).reduce((text, byte) => {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    return text + (plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`);
  }, "");

let origin;
before(async () => (origin = await startOrigin()));
after(() => origin.stop());

for (const [bindings, group] of groups) {
  test(`Worker: ${group.length} vectors with ${Object.keys(JSON.parse(bindings)).join(", ")}`, async (t) => {
    const edge = await startEdge({ bindings: { ...DIRECT, ...JSON.parse(bindings), ORIGIN_URL: origin.url } });
    t.after(edge.stop);
    for (const one of group) {
      origin.taken.length = 0;
      const expected = one.expected("http");
      const answer = await send(`${edge.url}/webhook`, one);
      if (expected.keyIndex === undefined) {
        assert.deepEqual([answer.status, answer.error?.code], [STATUS[expected.code], expected.code], one.name);
        assert.equal(origin.taken.length, 0, one.name);
        continue;
      }
      assert.equal(answer.status, 200, `${one.name}: ${answer.error?.code}`);
      const [taken] = origin.taken;
      assert.equal(Buffer.compare(taken.body, one.body), 0, one.name);
      const headers = expectedHeaders(one, expected);
      const actual = Object.fromEntries(Object.keys(headers).map((name) => [name, taken.headers[name]]));
      assert.deepEqual(actual, headers, one.name);
      assert.equal(taken.headers["x-walnut-signature"], one.header.trim(), one.name);
    }
  });
}

test("Worker: only 6 vectors can't be tested", () => {
  const reached = [...groups.values()].reduce((sum, group) => sum + group.length, 0);
  const all = read(vectors).filter(({ via }) => via.includes("http")).length;
  // They have keys that are not text (RFC 4231, and one of ours), or three or four keys.
  assert.equal(all - reached, 6);
});
