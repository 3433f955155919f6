/** @jest-environment jsdom */
const { Webhook } = require("walnut-webhooks");
const { demoSession, sampleDelivery, signedHeaders, signedRequest } = require("walnut-webhooks/testing");
const { contacts, onDelivery } = require("./receiver.js");

test("stores the visitor's address", async () => {
  await onDelivery(sampleDelivery(demoSession({ data: { user: { email: "ada@example.com" } } })));
  expect(contacts).toContain("ada@example.com");
});

test("signs headers that verify", () => {
  const webhook = new Webhook("key");
  const body = JSON.stringify(demoSession());
  expect(webhook.verify(body, signedHeaders(webhook, body)).type).toBe("demo_session_finished");
  expect(() => webhook.verify(body, signedHeaders("another key", body))).toThrow(expect.objectContaining({ code: "signature_mismatch" }));
});

test("suggests signedHeaders, because jsdom has no Request", () => {
  expect(typeof Request).toBe("undefined");
  expect(() => signedRequest("key", demoSession())).toThrow(/Use signedHeaders\(webhook, body\)/);
});
