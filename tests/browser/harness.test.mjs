// The harness page, driven as a person would. Screenshots are left in target/screenshots/.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startHarness } from "../../pkg/cli/page.js";
import { launch, open } from "./support.mjs";

const screenshots = join(import.meta.dirname, "../../target/screenshots");
const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"), "utf8");
const sign = (body, key) => createHmac("sha256", key).update(body).digest("hex");

let harness;
let browser;
before(async () => {
  mkdirSync(screenshots, { recursive: true });
  harness = await startHarness();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  harness?.stop();
});

/** What the page shows: the verdict, and the code of a refusal. */
const shown = async (page) => [
  await page.getAttribute("#verdict", "data-verdict"),
  await page.textContent("#code"),
];
const field = (page, name) => page.textContent(`#delivery [data-field=${name}]`);

for (const colorScheme of ["light", "dark"]) {
  for (const width of [375, 1280]) {
    test(`harness, ${colorScheme}, ${width} px`, async () => {
      const { page, wrong } = await open(browser, harness.url, { colorScheme, viewport: { width, height: 900 } });
      const picture = (name) =>
        page.screenshot({ path: join(screenshots, `${name}-${width}-${colorScheme}.png`), fullPage: true });

      assert.deepEqual(await shown(page), ["none", ""]);
      await picture("empty");

      await page.click("#sample-demo");
      assert.equal(await page.inputValue("#body"), sample);
      assert.deepEqual(await shown(page), ["genuine", ""]);
      assert.equal(await field(page, "type"), "demo_session_finished");
      assert.equal(await field(page, "id"), "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1");
      await picture("genuine");

      await page.fill("#body", sample.replace('"fab_clicks":0', '"fab_clicks":1'));
      assert.deepEqual(await shown(page), ["refused", "signature_mismatch"]);
      assert.match(await page.textContent("#message"), /byte for byte/);
      await picture("refused");

      await page.fill("#body", sample.replace('"fab_clicks":0', '"fab_clicks":"none","new":1'));
      await page.click("#sign");
      assert.deepEqual(await shown(page), ["genuine", ""]);
      assert.equal(await field(page, "type"), "unknown");
      const drift = await page.locator("#drift tbody tr").allInnerTexts();
      assert.deepEqual(drift.map((row) => row.split(/\s+/)), [
        ["data.demo_engagement.fab_clicks", "type", "integer", "string"],
        ["data.demo_engagement.new", "added", "–", "number"],
      ]);
      await picture("drift");

      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `${overflow} px stick out`);
      assert.deepEqual(wrong, []);
      await page.close();
    });
  }
}

test("harness: the other samples, and a signature of elsewhere", async () => {
  const { page, wrong } = await open(browser, harness.url);
  await page.fill("#key", "my own key");
  await page.click("#sample-playlist");
  assert.equal(await field(page, "type"), "playlist_session_finished");
  assert.equal(await page.inputValue("#signature"), sign(await page.inputValue("#body"), "my own key"));
  await page.click("#sample-test");
  assert.equal(await field(page, "isTest"), "true");
  assert.match(await field(page, "id"), /^body:[0-9a-f]{64}$/);

  await page.fill("#body", '{"event":"<img src=x onerror=alert(1)>"}');
  await page.fill("#signature", sign('{"event":"<img src=x onerror=alert(1)>"}', "my own key"));
  assert.equal(await field(page, "name"), "<img src=x onerror=alert(1)>");

  await page.fill("#signature", (await page.inputValue("#signature")).toUpperCase());
  assert.deepEqual(await shown(page), ["refused", "malformed_signature"]);
  await page.fill("#signature", "");
  await page.click("#check");
  assert.deepEqual(await shown(page), ["refused", "missing_signature"]);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("harness: a file is taken byte for byte", async () => {
  const { page, wrong } = await open(browser, harness.url);
  const body = Buffer.from([...Buffer.from('{"event":"e",\r\n"a":"'), 0xc3, 0xa9, ...Buffer.from('"}')]);
  await page.fill("#key", "key");
  await page.setInputFiles("#file", { name: "body.json", mimeType: "application/json", buffer: body });
  await page.waitForFunction(() => document.querySelector("#file-note").textContent !== "");
  await page.fill("#signature", sign(body, "key"));
  assert.deepEqual(await shown(page), ["genuine", ""]);
  // The text field itself can't hold the CRLF.
  await page.fill("#body", await page.inputValue("#body"));
  assert.deepEqual(await shown(page), ["refused", "signature_mismatch"]);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("harness: a key is neither stored nor shown", async () => {
  const { page, wrong } = await open(browser, harness.url);
  await page.fill("#key", "a very secret key");
  await page.click("#sample-demo");
  await page.click("#check");
  const left = await page.evaluate(() => [
    localStorage.length,
    sessionStorage.length,
    document.cookie,
    location.href,
    document.body.innerText,
  ]);
  assert.ok(!left.join().includes("a very secret key"));
  assert.deepEqual(left.slice(0, 3), [0, 0, ""]);
  assert.equal(await page.getAttribute("#key", "type"), "password");
  await page.reload();
  assert.equal(await page.inputValue("#key"), "");
  assert.deepEqual(wrong, []);
  await page.close();
});
