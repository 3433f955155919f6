const { verdicts } = require("../suite.cjs");
const { Webhook } = require("walnut-webhooks");
const { explain } = require("walnut-webhooks/explain");

test("every vector has its verdict", () => {
  const { checks, failures } = verdicts({ Webhook, explain });
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(1000);
});
