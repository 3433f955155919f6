// The part of the page that shows the quarantine, used in a browser as a person does, on a real edge.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isSound, LOOKS } from "../browser/support.mjs";
import { browser, DURABLE, IMAGE, look, rowOf as deliveryOf, SCRIPT, signIn, view, waitForMessage } from "./page.mjs";
import { admin, deferred, event, eventually, folder, post, sign, start } from "./support.mjs";

const OLD_KEY = "the key before";
const FORGED = "a key that is never set";

const opened = browser();

const rowOf = (page, text) => page.locator("#rejected tbody tr", { hasText: text });

/** Returns how many lines a text in a row of the list has. */
const linesOf = (page, text) => rowOf(page, text).evaluate((row, text) => {
  const range = document.createRange();
  range.selectNodeContents([...row.children].flatMap((cell) => [...cell.childNodes]).find((node) => node.textContent.includes(text)));
  return new Set([...range.getClientRects()].map(({ top }) => top)).size;
}, text);

/** Waits until the list has `count` rows. */
const shown = (page, count) =>
  page.waitForFunction((wanted) => document.querySelectorAll("#rejected tbody a").length === wanted, count);

/** Sends a body that the current key does not verify, and waits until it is kept. */
async function rejected({ url, edge }, body, key) {
  const { ask } = admin(edge);
  const { quarantine } = await ask("GET", "status");
  assert.equal((await post(url, body, { "x-walnut-signature": sign(body, key) })).code, "signature_mismatch");
  await eventually(async () => (await ask("GET", "status")).quarantine.kept !== quarantine.kept);
}

for (const looks of LOOKS) {
  test(`page, ${looks.colorScheme}, ${looks.viewport.width} px: shows the quarantine`, { timeout: 600_000 }, async (t) => {
    const storage = await folder(t);
    const early = await start(t, DURABLE, { storage });
    const image = JSON.stringify({ event: IMAGE, n: SCRIPT });
    await rejected(early, '{"event":"forged","n":1.0}', FORGED);
    await rejected(early, image, OLD_KEY);
    await rejected(early, event(), OLD_KEY);
    await early.edge.stop();

    const until = new Date(Date.now() + 3_600_000).toISOString();
    const keys = { WALNUT_WEBHOOK_KEY_PREVIOUS: OLD_KEY, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: until };
    const { edge, url, origin } = await start(t, { ...DURABLE, ...keys }, { storage });
    assert.equal((await post(url, "{}", {})).code, "missing_signature");
    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    assert.match(await page.locator("#facts").innerText(), /kept: 3 \(952\u00a0B\), recovered: 0, dropped: 0/);
    assert.equal(await page.locator('#views [href="#rejected"]').textContent(), "Rejected (3 kept)");
    const places = () => page.locator("#views a").evaluateAll((links) => links.map((link) => link.offsetLeft));
    const before = await places();
    await view(page, "rejected");
    await shown(page, 3);
    assert.deepEqual(await places(), before);
    const rows = await page.locator("#rejected tbody tr").allInnerTexts();
    for (const [index, name] of ["demo_session_finished", IMAGE, "forged"].entries()) assert.ok(rows[index].includes(name), rows[index]);
    assert.match(rows[0], /signature_mismatch[^]*previous_key[^]*leak/);
    assert.match(rows[2], /signature_mismatch[^]*unknown_key Set WALNUT_WEBHOOK_KEY/);
    assert.equal(await page.locator("#rejected b", { hasText: "unknown_key" }).evaluate((cause) => getComputedStyle(cause, "::before").content), "none");
    assert.match(await page.textContent("#counted"), /signature_mismatch: \d/);
    for (const text of ["demo_session_finished", "848\u00a0B"]) assert.equal(await linesOf(page, text), 1, text);
    assert.deepEqual(await rowOf(page, "forged").getByRole("button").allTextContents(), ["Erase…"]);
    assert.equal(await page.locator("img, table script").count(), 0);
    await look(page, "rejected", looks);
    for (const width of [768, 960, 1000]) {
      await page.setViewportSize({ width, height: 900 });
      await isSound(page);
      assert.ok((await linesOf(page, "demo_session_finished")) <= 2);
    }
    await page.setViewportSize(looks.viewport);

    await rowOf(page, IMAGE).getByRole("link").click();
    await page.locator("#body", { hasText: SCRIPT }).waitFor();
    assert.match(await page.locator("#fields").innerText(), /Explained\s+previous_key: /);
    assert.equal(await page.locator("img, pre script").count(), 0);
    await look(page, "rejected-one", looks);
    const download = page.waitForEvent("download");
    await page.click("#download");
    assert.equal(readFileSync(await (await download).path(), "utf8"), image);
    await page.locator("#actions").getByText("Deliver…").click();
    await look(page, "deliver", looks);
    await page.click("#deliver .close");
    await page.locator("#actions").getByText("Deliver…").click();
    await page.click("#deliver .primary");
    await waitForMessage(page, ": accepted.");
    assert.equal((await origin.took(1)).body.toString(), image);
    assert.equal(await page.textContent("#said"), "Request: accepted.");
    await shown(page, 2);
    await page.locator("#rejected-title:focus").waitFor();
    assert.equal(await page.locator("#one").isVisible(), false);
    await view(page, "");
    await deliveryOf(page, IMAGE).waitFor();
    await view(page, "rejected");
    await shown(page, 2);

    for (const [name, left] of [["forged", 1], ["demo_session_finished", 0]]) {
      await rowOf(page, name).getByText("Erase…").click();
      await page.click("#discard .close");
      assert.equal(await rowOf(page, name).count(), 1);
      await rowOf(page, name).getByText("Erase…").click();
      await page.click("#discard .danger");
      await waitForMessage(page, "The request was erased.");
      await shown(page, left);
    }
    assert.equal(await page.locator("#rejected").innerText(), "No rejected request is kept.");
    await look(page, "rejected-none", looks);
    assert.equal(origin.taken.length, 1);
    assert.deepEqual(wrong, []);
    await page.close();
  });
}

test("page: shows more kept requests than one response contains, by keyboard, on a narrow screen", { timeout: 600_000 }, async (t) => {
  const world = await start(t, DURABLE);
  for (let n = 0; n < 60; n++) await rejected(world, `{"event":"many","n":${n}}`, FORGED);
  const { page, wrong } = await opened(world.edge, { viewport: { width: 320, height: 640 } });
  await signIn(page);
  await view(page, "rejected");
  await shown(page, 50);
  await page.focus("#more");
  await page.keyboard.press("Enter");
  await shown(page, 60);
  await isSound(page);
  const link = await page.locator("#rejected a").nth(50).getAttribute("href");
  const hasFocus = () => page.waitForFunction((href) => document.activeElement.getAttribute("href") === href, link);
  await hasFocus();
  await page.keyboard.press("Enter");
  await page.locator("#body", { hasText: '"n": 9' }).waitFor();
  await page.goBack();
  await hasFocus();

  // Another client erases the request meanwhile.
  const id = link.split("=")[1];
  assert.equal((await admin(world.edge).ask("DELETE", `rejected/${id}`)).erased, 1);
  await page.locator("#rejected tbody tr", { has: page.locator(`[href="${link}"]`) }).getByText("Erase…").click();
  await page.click("#discard .danger");
  await page.locator("#discard .note", { hasText: "not_found: " }).waitFor();
  await page.click("#discard .close");
  await page.click("#refresh");
  await shown(page, 59);
  assert.match(wrong.splice(0).join(), /^[^,]* 404 [^,]*$/);
  await page.close();
});

test("page: follows a link while a list is still loading", { timeout: 600_000 }, async (t) => {
  const { edge, url } = await start(t, DURABLE);
  assert.equal((await post(url, event())).status, 200);
  const [id] = await admin(edge).ids();
  const { page, wrong } = await opened(edge);
  await signIn(page);
  await page.click(`a[href="#delivery=${id}"]`);
  await page.locator("#details").waitFor();
  const loaded = deferred();
  t.after(loaded.resolve);
  await page.route("**/admin/deliveries?*", async (route) => {
    await loaded.promise;
    await route.continue();
  });
  await page.click("#back");
  await page.click(`a[href="#delivery=${id}"]`);
  await page.locator("#details").waitFor();
  loaded.resolve();
  assert.deepEqual(wrong, []);
  await page.close();
});
