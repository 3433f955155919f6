import { expect, test } from "vitest";
import { demoSession, sampleDelivery } from "walnut-webhooks/testing";
import { contacts, onDelivery } from "./receiver.js";

test("stores the visitor's address", async () => {
  const event = demoSession({ data: { user: { email: "ada@example.com" } } });
  await onDelivery(sampleDelivery(event));
  expect(contacts).toEqual(["ada@example.com"]);
});
