// The search on the page, the filter for test events, and a shard that does not answer, on a real edge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOKS } from "../browser/support.mjs";
import { browser, DURABLE, idIn, IMAGE, look, openFinder, rowOf, shown, signIn, view } from "./page.mjs";
import { lasting, spoil } from "./storage.mjs";
import { admin, event, inShard, post, start } from "./support.mjs";

const opened = browser();

const EMAIL = "kim@example.com";
const ofKim = (more) => {
  const body = JSON.parse(event(more));
  body.data.user.email = EMAIL;
  body.data.demo.name = IMAGE;
  return JSON.stringify(body);
};

for (const looks of LOOKS) {
  const title = `page, ${looks.colorScheme}, ${looks.viewport.width} px`;

  test(`${title}: finds deliveries by e-mail, session ID and idempotency key, and filters test events`, { timeout: 600_000 }, async (t) => {
    const { edge, url } = await start(t, DURABLE);
    const bodies = [ofKim(), ofKim({ is_test: true }), event({ session_id: "s-1" })];
    for (const body of bodies) assert.equal((await post(url, body)).status, 200);
    const [other, trial, kim] = await admin(edge).ids();
    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    await shown(page, "3, all.");
    const found = async () => Promise.all((await page.locator("#deliveries tbody tr").all()).map(idIn));
    assert.deepEqual(await found(), [other, trial, kim]);
    assert.equal(await page.locator("#deliveries b.test").count(), 1);
    assert.equal(await rowOf(page, IMAGE).count(), 2); // the name of the demo
    assert.equal(await page.locator("#deliveries tbody").innerText().then((text) => text.includes(EMAIL)), false);
    await openFinder(page);

    const search = async (by, value) => {
      await page.selectOption("#by", by);
      await page.fill("#value", value);
      await page.click("#search .primary");
    };
    await search("email", EMAIL);
    await shown(page, "2, all. Search.");
    assert.deepEqual(await found(), [trial, kim]);
    assert.equal(page.url().includes("kim"), false);
    await look(page, "search", looks);
    await page.locator("#deliveries a").first().click();
    await page.locator("#fields", { hasText: IMAGE }).waitFor();
    assert.match(await page.locator("#fields").innerText(), /Test event\s+yes/);
    await page.click("#back");
    await shown(page, "2, all. Search."); // unchanged
    await search("session_id", "s-1");
    await shown(page, "1, all. Search.");
    await search("id", "demo_session_finished:s-1");
    await shown(page, "1, all. Search.");
    assert.deepEqual(await found(), [other]);
    await search("session_id", "unknown");
    await page.locator("#why-empty", { hasText: "No delivery matches the search." }).waitFor();
    await search("id", "demo_session_finished:s-1");
    await shown(page, "1, all. Search.");
    await search("email", "kim"); // not an address
    const note = page.locator("#search-note", { hasText: "email must be an e-mail address" });
    await note.waitFor();
    assert.equal(await page.locator("#deliveries").isVisible(), false);
    await page.locator("#why-empty", { hasText: "The search failed." }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "value");
    assert.equal(await page.textContent("#problem"), "");
    await look(page, "search-failed", looks);
    assert.match(wrong.splice(0).join(), /^[^,]* 400 [^,]*$/);
    await page.click("#clear");
    await note.waitFor({ state: "detached" });
    await page.getByText("Shown: 3, all.", { exact: true }).waitFor();

    await page.selectOption("#test", "true");
    await page.click("#filter .primary");
    await shown(page, "1, all. Filtered.");
    assert.deepEqual(await found(), [trial]);
    await page.selectOption("#test", "false");
    await page.click("#filter .primary");
    await shown(page, "2, all. Filtered.");
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual(wrong, []);
    await page.close();
  });
}

test("page: names a shard that does not answer, and shows the others", { timeout: 600_000 }, async (t) => {
  const world = await lasting(t, { SHARDS: "2" });
  const bodies = [0, 1].map((shard) => inShard(shard, 2));
  for (const body of bodies) assert.equal((await post(world.url, body)).status, 200);
  for (const id of await world.ids()) await world.until(id, "delivered");
  await world.restart((storage) => spoil(storage, `demo_session_finished:${JSON.parse(bodies[0]).data.session_id}`));
  for (const looks of LOOKS) {
    const { page, wrong } = await opened(world.edge, looks);
    await signIn(page);
    await shown(page, "1, all");
    await page.locator("#broken", { hasText: "Shards that did not answer: 0." }).waitFor();
    await look(page, "broken-shard", looks);
    await view(page, "rejected"); // only shard 0 has them
    await page.locator("#problem", { hasText: "inbox_failed: " }).waitFor();
    await view(page, "destinations");
    await page.locator("#destinations b.ok").waitFor();
    assert.deepEqual(wrong.filter((line) => !line.includes("503")), []);
    await page.close();
  }
});
