const { createHmac } = require("node:crypto");
const { Webhook } = require("walnut-webhooks");

const key = "ключ";
const body = JSON.stringify({ event: "é", data: {} });
const signature = createHmac("sha256", key).update(body).digest("hex");

test("jsdom has neither TextEncoder nor TextDecoder", () => {
  expect([typeof document, typeof TextEncoder, typeof TextDecoder]).toEqual(["object", "undefined", "undefined"]);
});

test("verifies, streams and signs", () => {
  const webhook = new Webhook(key);
  expect(webhook.verify(body, signature)).toMatchObject({ type: "unknown", name: "é", keyIndex: 0 });
  expect(webhook.verify(new Uint8Array(Buffer.from(body)), signature).name).toBe("é");
  expect(() => webhook.verify(`${body} `, signature)).toThrow(expect.objectContaining({ code: "signature_mismatch" }));
  expect(webhook.sign(body)).toBe(signature);
  const stream = webhook.stream();
  stream.update(body);
  expect(stream.finish(signature)).toEqual({ keyIndex: 0 });
});
