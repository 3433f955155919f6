import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startHarness } from "../../pkg-cli/page.js";
import { launch, open } from "../browser/support.mjs";
import { agree, judged, seed, Tally } from "./oracle.mjs";

const CASES = 10_000;
const BATCH = 1_000;

test(`Chromium: ${CASES} random cases have the verdict of node:crypto`, async (t) => {
  const harness = await startHarness();
  t.after(harness.stop);
  const browser = await launch();
  t.after(() => browser.close());
  const { page, wrong } = await open(browser, harness.url);
  // The page contains the package as a bundle. The test loads the package's files instead.
  await page.route("**/pkg/**/*.js", (route) =>
    route.fulfill({ path: join(import.meta.dirname, "../..", new URL(route.request().url()).pathname), contentType: "text/javascript" }),
  );
  await page.route("**/cases.mjs", (route) =>
    route.fulfill({ path: join(import.meta.dirname, "cases.mjs"), contentType: "text/javascript" }),
  );
  const tally = new Tally();
  for (let first = 0; first < CASES; first += BATCH) {
    const batch = judged(first, BATCH);
    // The page makes the same cases from the same seed. Their headers, with signatures by node:crypto, come from here.
    const given = { seed, first, headers: batch.map(({ header }) => header) };
    const got = await page.evaluate(async ({ seed, first, headers }) => {
      const [{ Webhook }, { generate, verdicts }] = await Promise.all([
        import("./pkg/index.js"),
        import("./cases.mjs"),
      ]);
      return headers.map((header, offset) => verdicts(Webhook, generate(seed, first + offset), header));
    }, given);
    batch.forEach((it, offset) => {
      agree(it, got[offset], "browser.test.mjs");
      tally.add(it);
    });
  }
  tally.check(CASES);
  assert.deepEqual(wrong, []);
});
