import assert from "node:assert/strict";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";
import { demoSession, sampleDelivery, signedRequest } from "walnut-webhooks/testing";
import { contacts, onDelivery } from "./receiver.mjs";

describe("the receiver", () => {
  it("stores the visitor's address", async () => {
    await onDelivery(sampleDelivery(demoSession({ data: { user: { email: "ada@example.com" } } })));
    assert.deepEqual(contacts, ["ada@example.com"]);
  });

  it("accepts a signed request and rejects a forged one", async () => {
    const POST = handler(new Webhook("key"), onDelivery);
    const event = demoSession({ data: { user: { email: "grace@example.com" } } });
    assert.equal((await POST(signedRequest("another key", event))).status, 401);
    assert.equal((await POST(signedRequest("key", event))).status, 200);
    assert.deepEqual(contacts, ["ada@example.com", "grace@example.com"]);
  });
});
