// The page of the delivery log, used in a browser as a person does, on a real edge. Screenshots are saved in
// target/screenshots/.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isSound, LOOKS } from "../browser/support.mjs";
import {
  browser, DURABLE as STORING, idIn, IMAGE, linkTo, look, openFinder, rowOf, SCRIPT, shown, signIn, view, waitForMessage,
} from "./page.mjs";
import { admin, folder, post, sign, start, startOrigin, TOKEN } from "./support.mjs";

const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"), "utf8");
const DURABLE = { ...STORING, MAX_ATTEMPTS: "1" };
const FILES = { "": "text/html", "page.css": "text/css", "page.js": "text/javascript" };
const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

const opened = browser();

/** Starts an edge with two destinations. `archive` fails each body that contains "broken" while `archive.isFailing`. */
async function startFailing(t) {
  const archive = await startOrigin();
  t.after(archive.stop);
  archive.isFailing = true;
  archive.answer = (_, response) => {
    const fails = archive.isFailing && archive.taken.at(-1).body.includes("broken");
    response.writeHead(fails ? 500 : 200).end();
  };
  const crm = await startOrigin();
  t.after(crm.stop);
  const destinations = [{ name: "crm", url: crm.url }, { name: "archive", url: archive.url }];
  const started = await start(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS: JSON.stringify(destinations) });
  return { ...started, ...admin(started.edge), crm, archive };
}

for (const looks of LOOKS) {
  const title = `${looks.colorScheme}, ${looks.viewport.width} px`;

  test(`page, ${title}: shows a delivery that a destination did not accept`, { timeout: 600_000 }, async (t) => {
    const { edge, url, crm, archive, until } = await startFailing(t);
    for (const body of [sample, JSON.stringify({ event: IMAGE, n: SCRIPT }), '{"event":"broken","n":1.0}']) {
      assert.equal((await post(url, body)).status, 200);
    }
    const { page, wrong } = await opened(edge, looks);
    await look(page, "sign-in", looks);

    await signIn(page);
    await shown(page, "3, all");
    const [broken, image, demo] = await Promise.all(["broken", IMAGE, "demo_session_finished"].map((name) => idIn(rowOf(page, name))));
    await until(broken, "dead");
    await until(image, "delivered");
    await until(demo, "delivered");
    await page.click("#refresh");
    await rowOf(page, "broken").getByText("max_attempts").waitFor();
    assert.equal(await page.locator("#counts .dead span").textContent(), "1");
    assert.equal(await page.locator("#counts .delivered span").textContent(), "2");
    if (looks.viewport.width < 400) assert.ok((await page.locator("#deliveries tbody tr").first().boundingBox()).y < 600);
    assert.match(await page.locator("#facts").innerText(), /Current key\s+last matched:\s+20/);
    assert.equal(await page.locator("img, pre script").count(), 0);
    await look(page, "list", looks);

    await page.click("#counts .dead");
    await shown(page, "1, all. Filtered.");
    assert.equal(await page.locator("#counts [aria-current]").innerText(), "dead1");
    await openFinder(page);
    await page.fill("#name", "broken");
    await page.fill("#since", "2020-01-01T00:00");
    await page.click("#filter .primary");
    await shown(page, "1, all");
    await page.fill("#until", "2020-01-02T00:00");
    await page.click("#filter .primary");
    await shown(page, "0, all");
    await page.locator("#why-empty", { hasText: "No delivery matches the filter." }).waitFor();
    await look(page, "empty", looks);
    await page.click("#clear");
    await shown(page, "3, all");
    assert.equal(await page.inputValue("#name"), "");
    assert.equal(new URL(page.url()).hash, "");

    await page.click(linkTo(image));
    await page.locator("#body", { hasText: SCRIPT }).waitFor();
    assert.equal(await page.locator("img, pre script").count(), 0);
    await page.click("#back");
    await page.click(linkTo(broken));
    await page.locator("#body", { hasText: '"broken"' }).waitFor();
    assert.equal(await page.textContent("#body"), '{\n  "event": "broken",\n  "n": 1.0\n}');
    await look(page, "delivery", looks);
    await page.uncheck("#pretty");
    assert.equal(await page.textContent("#body"), '{"event":"broken","n":1.0}');
    const failed = page.locator("#attempts tbody tr", { hasText: "archive" });
    assert.match(await failed.innerText(), /500 origin_failed/);
    assert.match(await failed.locator("time").getAttribute("title"), /Z$/);

    archive.isFailing = false;
    const before = crm.taken.length;
    assert.equal(await page.locator("#to option:checked").textContent(), "where it is dead");
    assert.equal(await page.locator("#views [aria-current=true]").textContent(), "Deliveries");
    await page.selectOption("#to", "archive");
    await page.click("#redeliver .primary");
    await waitForMessage(page, `Delivery ${broken} is sent again to archive.`);
    await until(broken, "delivered");
    assert.equal(crm.taken.length, before);
    await page.click("#refresh");
    await page.locator("#fields .delivered").waitFor();
    await page.selectOption("#to", "");
    const sent = crm.taken.length;
    await page.click("#redeliver .primary");
    assert.equal(await page.locator("#to:invalid").count(), 1); // both have accepted it, so no default is right
    assert.equal(crm.taken.length, sent);
    await page.selectOption("#to", "all that want it");
    await page.click("#redeliver .primary");
    await waitForMessage(page, `Delivery ${broken} is sent again to crm, archive.`);
    await until(broken, "delivered");

    await page.click("[data-opens=delete]");
    await look(page, "erase-one", looks);
    await page.click("#delete .close");
    assert.equal(await page.locator("#redeliver").isVisible(), true);
    await page.click("[data-opens=delete]");
    await page.click("#delete .danger");
    await waitForMessage(page, `Delivery ${broken} was erased.`);
    await page.locator("#body-note", { hasText: "The body was deleted" }).waitFor();
    assert.equal(await page.locator("#redeliver").isVisible(), false);
    await page.goBack();
    await page.locator("#deliveries .erased").waitFor();
    assert.equal(await rowOf(page, "broken").count(), 0);
    await look(page, "erased", looks);
    assert.deepEqual(wrong, []);
    await page.close();
  });

  test(`page, ${title}: redelivers the dead deliveries of a period, and erases the data of one person`, { timeout: 600_000 }, async (t) => {
    const { edge, url, archive, until, ask } = await startFailing(t);
    for (const body of [sample, '{"event":"broken","n":1}', '{"event":"broken","n":2}']) await post(url, body);
    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    await shown(page, "3, all");
    const ids = await Promise.all((await rowOf(page, "broken").all()).map(idIn));
    assert.equal(ids.length, 2);
    for (const id of ids) await until(id, "dead");

    archive.isFailing = false;
    await page.click("[data-opens=revive]");
    assert.equal(await page.inputValue("#revive-to"), "");
    const oldest = (await ask("GET", "status")).oldestDead;
    const since = await page.locator("#revive-since").evaluate(({ value }) => new Date(value).getTime());
    assert.ok(since <= oldest && oldest < since + 60_000, `${since} ${oldest}`);
    await look(page, "redeliver", looks);
    await page.click("#revive .primary");
    await waitForMessage(page, "Sent again: 2.");
    for (const id of ids) await until(id, "delivered");

    await page.click("[data-opens=erase]");
    await page.fill("#email", JSON.parse(sample).data.user.email);
    await page.click("#erase .danger");
    assert.equal(await page.locator("#erase").isVisible(), true); // because the checkbox is not checked
    await page.check("#erase [type=checkbox]");
    await look(page, "erase", looks);
    await page.click("#erase .danger");
    await waitForMessage(page, "Erased: 1.");
    await page.locator("#deliveries .erased").waitFor();
    assert.equal(await page.inputValue("#email"), "");
    assert.deepEqual(wrong, []);
    await page.close();
  });
}

for (const looks of LOOKS) {
  test(`page, ${looks.colorScheme}, ${looks.viewport.width} px: shows the mistakes in the configuration`, { timeout: 600_000 }, async (t) => {
    const DESTINATIONS = JSON.stringify([{ name: "crm", url: "http://crm.example", headers: { [IMAGE]: SCRIPT } }]);
    const { edge, url } = await start(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS, MAX_ATTEMPTS: IMAGE });
    assert.equal((await post(url, sample)).status, 200);
    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    await shown(page, "1, all");
    const { mistakes } = await admin(edge).ask("GET", "status");
    assert.deepEqual(await page.locator("#mistakes li").allTextContents(), mistakes);
    assert.ok(mistakes.length >= 3);
    assert.equal(await page.locator("#counts .held span").textContent(), "1");
    assert.equal(await page.locator("img, #mistakes :not(li)").count(), 0);
    await look(page, "mistakes", looks);
    await page.click("#counts .held");
    await shown(page, "1, all");
    await page.click(linkTo(await idIn(rowOf(page, "demo_session_finished"))));
    await page.locator("#fields .held").waitFor();
    await page.click("#redeliver .primary");
    await page.locator("#problem", { hasText: "configuration has mistakes" }).waitFor();
    assert.deepEqual(wrong.filter((line) => !line.includes("500")), []);
    await page.close();
  });
}

test("page: shows duplicates, variants and a body that is not text, on a narrow screen", { timeout: 600_000 }, async (t) => {
  const { edge, url, until } = await startFailing(t);
  const different = JSON.parse(sample);
  different.data.user.email = "other@example.com";
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);
  for (const body of [sample, sample, JSON.stringify(different), bytes]) assert.equal((await post(url, body)).status, 200);
  const { page, wrong } = await opened(edge, { viewport: { width: 320, height: 640 } });
  await signIn(page);
  await shown(page, "3, all");
  await isSound(page);
  const variant = await idIn(page.locator("#deliveries tbody tr", { has: page.locator("b.variant") }));
  const binary = await idIn(rowOf(page, "no name"));
  await until(binary, "delivered");

  await page.click(linkTo(variant));
  const other = page.locator("#fields a");
  const first = await other.textContent();
  await other.click();
  await page.locator("#one-title", { hasText: `Delivery ${first}` }).waitFor();
  await page.locator("#fields .delivered").waitFor();
  assert.match(await page.locator("#fields").innerText(), /Duplicates\s+1\b/);
  await isSound(page);

  await page.goto(`${edge.url}/admin/#delivery=${binary}`);
  await page.locator("#body-note", { hasText: "base64" }).waitFor();
  assert.equal(await page.textContent("#body"), bytes.toString("base64"));
  const download = page.waitForEvent("download");
  await page.click("#download");
  assert.deepEqual(readFileSync(await (await download).path()), bytes);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: calls erase until no cursor is left, by keyboard", { timeout: 600_000 }, async (t) => {
  const { edge } = await start(t, DURABLE);
  const { page, wrong } = await opened(edge);
  const asked = [];
  await page.route("**/admin/erase", async (route) => {
    asked.push(route.request().postDataJSON());
    if (asked.length === 3) await page.locator("#erased", { hasText: "Erased so far: 4…" }).waitFor();
    await route.fulfill({ json: { erased: 2, cursor: [null, "a", "b", null][asked.length] } });
  });
  await signIn(page);
  await page.focus("[data-opens=erase]");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Escape");
  await page.locator("#erase").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.opens), "erase");
  await page.keyboard.press("Enter");
  await page.keyboard.type("kim@example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await waitForMessage(page, "Erased: 6.");
  const email = "kim@example.com";
  assert.deepEqual(asked, [{ email }, { email, cursor: "a" }, { email, cursor: "b" }]);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: lists more deliveries than one response contains, by keyboard, and goes back", { timeout: 600_000 }, async (t) => {
  const { edge, url } = await start(t, DURABLE);
  const all = Array.from({ length: 60 }, (_, n) => post(url, `{"event":"many","n":${n}}`));
  for (const { status } of await Promise.all(all)) assert.equal(status, 200);
  const { page, wrong } = await opened(edge);
  await signIn(page); // the field for the token has the focus
  await shown(page, "50.");
  await page.focus("#older");
  await page.keyboard.press("Enter");
  await shown(page, "60, all");
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("href"));
  const link = await page.locator("#deliveries a").nth(50).getAttribute("href");
  await page.waitForFunction((href) => document.activeElement.getAttribute("href") === href, link);

  await page.keyboard.press("Enter");
  await page.locator("#body", { hasText: "many" }).waitFor();
  assert.equal(await focused(), "one-title");
  assert.ok(page.url().endsWith(link));
  const download = page.waitForEvent("download");
  await page.focus("#download");
  await page.keyboard.press("Enter");
  const saved = await download;
  assert.equal(saved.suggestedFilename(), `delivery-${link.split("=")[1]}.json`);
  await page.uncheck("#pretty");
  assert.equal(readFileSync(await saved.path(), "utf8"), await page.textContent("#body"));
  await page.goBack();
  await page.waitForSelector("#deliveries-view", { state: "visible" });
  assert.equal(await focused(), link);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: shows the API's warnings about the keys", { timeout: 600_000 }, async (t) => {
  const storage = await folder(t);
  const before = { WALNUT_WEBHOOK_KEY_PREVIOUS: "before", WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 3_600_000).toISOString() };
  const during = await start(t, { ...DURABLE, ...before }, { storage });
  assert.equal((await post(during.url, sample, { "x-walnut-signature": sign(sample, "before") })).status, 200);
  await during.logged('"keys"', '"previous_ends_soon"');
  const { page, wrong } = await opened(during.edge);
  await signIn(page);
  assert.match(await page.textContent("#warnings"), /the current one had not matched for an hour.* ends in less than a day/);
  await isSound(page);
  await during.edge.stop();
  await page.close();

  // After the end of the previous key, the operator need not act.
  const after = await start(t, DURABLE, { storage });
  const next = await opened(after.edge);
  await signIn(next.page);
  assert.match(await next.page.locator("#facts").innerText(), /Previous key\s+last matched:\s+20/);
  assert.equal(await next.page.textContent("#warnings"), "");
  assert.deepEqual([...wrong, ...next.wrong], []);
  await next.page.close();
});

test("page: redelivers an event that no destination wants, to a destination that is chosen", { timeout: 600_000 }, async (t) => {
  const storage = await folder(t);
  const crm = await startOrigin();
  t.after(crm.stop);
  const edge = (name, events) =>
    start(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS: JSON.stringify([{ name, url: crm.url, events }]) }, { storage });
  const before = await edge("old");
  assert.equal((await post(before.url, sample)).status, 200);
  await before.logged('"delivered"');
  await before.edge.stop();

  const { edge: at } = await edge("crm", ["other"]);
  const { page, wrong } = await opened(at);
  await signIn(page);
  const [id] = await admin(at).ids();
  await page.click(linkTo(id));
  await page.locator("#redeliver").waitFor();
  assert.deepEqual(await page.locator("#to option").allTextContents(), ["choose one", "all that want it", "crm"]);
  await page.selectOption("#to", "all that want it");
  await page.click("#redeliver .primary");
  await page.locator("#problem", { hasText: "No destination wants this event. Choose one." }).waitFor();
  await page.selectOption("#to", "crm");
  await page.click("#redeliver .primary");
  await waitForMessage(page, `Delivery ${id} is sent again to crm.`);
  await crm.took(2);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: shows each error, and loses no input", { timeout: 600_000 }, async (t) => {
  const { edge, url } = await start(t, DURABLE);
  await post(url, sample);
  const { page, wrong } = await opened(edge);
  const problem = (code) => page.locator("#problem", { hasText: `${code}: ` }).waitFor();

  await page.fill("#token", "not-the-token-of-this-edge-at-all-0000");
  await page.keyboard.press("Enter");
  await page.locator("#gate-note", { hasText: "This is not the edge's ADMIN_TOKEN." }).waitFor();
  await isSound(page);
  assert.match(wrong.splice(0).join(), /^[^,]* 401 [^,]*$/);

  await signIn(page);
  await openFinder(page);
  await page.fill("#name", "demo_session_finished");
  await page.context().setOffline(true);
  await page.click("#refresh");
  await problem("network");
  await page.click("#filter .primary");
  await problem("network");
  await isSound(page);
  assert.equal(await rowOf(page, "demo_session_finished").count(), 1);
  assert.equal(await page.inputValue("#name"), "demo_session_finished");
  await page.context().setOffline(false);
  wrong.splice(0);
  await page.click("#refresh");
  await page.locator("#problem:empty").waitFor({ state: "attached" });

  await page.goto(`${edge.url}/admin/#delivery=0-999999`);
  await problem("not_found");
  await page.click("#back");
  await rowOf(page, "demo_session_finished").waitFor();
  assert.match(wrong.splice(0).join(), /^[^,]* 404 [^,]*$/);

  const left = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(left, [0, 0, ""]);
  assert.ok(!(page.url() + (await page.content())).includes(TOKEN));
  assert.equal(await page.inputValue("#token"), "");
  await page.click("#leave");
  await page.waitForSelector("#gate", { state: "visible" });
  assert.equal(await page.inputValue("#token"), "");
  assert.equal(await page.locator("#deliveries tr").count(), 0);
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: the files have a policy that blocks all other content", async (t) => {
  const { edge } = await start(t, DURABLE);
  for (const [path, type] of Object.entries(FILES)) {
    const response = await fetch(`${edge.url}/admin/${path}`);
    assert.equal(response.status, 200);
    assert.ok(response.headers.get("content-type").startsWith(type), response.headers.get("content-type"));
    const policy = response.headers.get("content-security-policy").split(/; ?/);
    for (const rule of POLICY) assert.ok(policy.includes(rule), rule);
    await response.text();
  }
});
