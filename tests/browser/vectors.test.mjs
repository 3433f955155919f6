import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startHarness } from "../../tools/harness.mjs";
import { vectors } from "../runtimes/vectors.mjs";
import { launch, open } from "./support.mjs";

test("Chromium, without a bundler and under a strict CSP: every vector has its verdict", async (t) => {
  const harness = await startHarness();
  t.after(harness.stop);
  const browser = await launch();
  t.after(() => browser.close());
  const { page, wrong } = await open(browser, harness.url);
  await page.route("**/conformance.mjs", (route) =>
    route.fulfill({ path: join(import.meta.dirname, "../runtimes/conformance.mjs"), contentType: "text/javascript" }),
  );
  const { checks, failures } = await page.evaluate(async (vectors) => {
    const [{ Webhook }, { read, run }] = await Promise.all([import("./pkg/index.js"), import("./conformance.mjs")]);
    return run(Webhook, read(vectors));
  }, vectors);
  assert.deepEqual(failures, []);
  assert.ok(checks > 1000, `only ${checks} checks`);
  assert.deepEqual(wrong, []);
});
