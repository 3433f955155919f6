// The tests for the environments that have `Request`.
const { Webhook } = require("walnut-webhooks");
const { handler } = require("walnut-webhooks/fetch");
const { demoSession, sampleDelivery, signedRequest } = require("walnut-webhooks/testing");
const { contacts, onDelivery } = require("./receiver.js");

test("stores the visitor's address", async () => {
  await onDelivery(sampleDelivery(demoSession({ data: { user: { email: "ada@example.com" } } })));
  expect(contacts).toContain("ada@example.com");
});

test("accepts a signed request and rejects a forged one", async () => {
  const POST = handler(new Webhook("key"), onDelivery);
  const event = demoSession({ data: { user: { email: "grace@example.com" } } });
  expect((await POST(signedRequest("another key", event))).status).toBe(401);
  expect(contacts).not.toContain("grace@example.com");
  expect((await POST(signedRequest("key", event))).status).toBe(200);
  expect(contacts).toContain("grace@example.com");
});
