import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";
import { expect, test } from "vitest";
import { verdicts } from "../suite.mjs";

test("every vector has its verdict", () => {
  const { checks, failures } = verdicts({ Webhook, explain });
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(1000);
});
