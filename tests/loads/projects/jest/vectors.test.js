const { verdicts } = require("../suite.cjs");
const { Webhook } = require("walnut-webhooks");

test("every vector has its verdict", () => {
  const { checks, failures } = verdicts(Webhook);
  expect(failures).toEqual([]);
  expect(checks).toBeGreaterThan(1000);
});
