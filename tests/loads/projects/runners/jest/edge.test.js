/** @jest-environment @edge-runtime/jest-environment */
const { explain } = require("walnut-webhooks/explain");
const { signedHeaders } = require("walnut-webhooks/testing");
require("./cases.js");

test("runs in the edge runtime", () => {
  expect(EdgeRuntime).toBe("edge-runtime");
});

test("explains a wrong signature", () => {
  expect(explain("key", "{}", signedHeaders("key", "{}\n")).cause).toBe("body_whitespace");
});
