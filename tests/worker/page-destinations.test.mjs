// The destinations and the drift on the page, used in a browser as a person does, on a real edge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LOOKS } from "../browser/support.mjs";
import { browser, DURABLE, IMAGE, linkTo, look, rowOf, SCRIPT, shown, signIn, view, waitForMessage } from "./page.mjs";
import { admin, event, eventually, folder, post, start, startOrigin } from "./support.mjs";

const opened = browser();

const destination = (page, name) => page.locator("#destinations tbody tr", { has: page.getByRole("rowheader", { name: new RegExp(`^${name}\\b`) }) });

for (const looks of LOOKS) {
  const title = `page, ${looks.colorScheme}, ${looks.viewport.width} px`;

  test(`${title}: shows why a destination fails, pauses it, and resumes it`, { timeout: 600_000 }, async (t) => {
    const crm = await startOrigin();
    t.after(crm.stop);
    crm.answer = (_, response) => response.writeHead(403).end(`${IMAGE}${SCRIPT}`);
    const { edge, url } = await start(t, (origin) => ({
      ...DURABLE,
      ORIGIN_URL: undefined,
      DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url }, { name: "mail", url: origin.url }]),
    }));
    const { ids, until, ask } = admin(edge);
    assert.equal((await post(url, event())).status, 200);
    const [id] = await ids();
    await until(id, ({ attempts, sends }) => attempts.length >= 2 && sends.some(({ state }) => state === "delivered"));

    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    await shown(page, "1, all");
    await page.getByRole("navigation").getByRole("link", { name: "Destinations (1 failing or paused)", exact: true }).waitFor();
    await view(page, "destinations");
    await page.locator("#destinations-title:focus").waitFor();
    assert.match(await destination(page, "crm").innerText(), /It answers with the status 403\. \(origin_failed\) Failures in a row: [1-9]/);
    assert.match(await destination(page, "mail").innerText(), /✓?\s*ok/);
    assert.equal(await destination(page, "crm").getByRole("link").innerText(), "1");
    await look(page, "destinations", looks);
    assert.deepEqual(await destination(page, "mail").getByRole("button").allInnerTexts(), ["Pause"]);
    const { attempts } = await ask("GET", `deliveries/${id}`);
    await destination(page, "crm").getByRole("button", { name: "Resume" }).press("Enter");
    await waitForMessage(page, "crm is resumed.");
    await until(id, (delivery) => delivery.attempts.length > attempts.length);

    await destination(page, "crm").getByRole("button", { name: "Pause" }).press("Enter");
    await waitForMessage(page, "crm is paused. Its deliveries wait.");
    await destination(page, "crm").locator("b.paused").waitFor();
    assert.match(await destination(page, "crm").innerText(), /paused: 20[^]*failing: 20/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "said");
    await look(page, "paused", looks);
    crm.answer = (_, response) => response.end();
    await page.keyboard.press("Enter"); // does nothing
    await page.locator("#said", { hasText: "crm is paused." }).waitFor();
    assert.equal((await ask("GET", "status")).destinations[0].state, "paused");
    await destination(page, "crm").getByRole("button", { name: "Resume" }).press("Enter");
    await waitForMessage(page, "crm is resumed.");
    await until(id, "delivered");
    await page.click("#refresh");
    await destination(page, "crm").locator("b.ok").waitFor();

    await view(page, "");
    await page.click(linkTo(id));
    const failed = page.locator("#attempts tbody tr", { hasText: "403 origin_failed" }).first();
    await failed.locator("summary").click();
    assert.equal(await failed.locator("pre").innerText(), `${IMAGE}${SCRIPT}`);
    await page.click("#refresh");
    assert.equal(await failed.locator("pre").isVisible(), true); // the details stay open
    assert.equal(await page.locator("img, pre script").count(), 0);
    await look(page, "attempts", looks);
    assert.deepEqual(wrong, []);
    await page.close();
  });

  test(`${title}: lists names that are not configured, and redelivers from them`, { timeout: 600_000 }, async (t) => {
    const storage = await folder(t);
    const edge = (name, url) => start(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS: JSON.stringify([{ name, url }]) }, { storage });
    const before = await edge("old", "https://old.invalid/");
    assert.equal((await post(before.url, event())).status, 200);
    const { ids, until } = admin(before.edge);
    const [id] = await ids();
    await until(id, ({ attempts }) => attempts.length > 0);
    await before.edge.stop();

    const crm = await startOrigin();
    t.after(crm.stop);
    const { edge: at } = await edge("crm", crm.url);
    const { page, wrong } = await opened(at, looks);
    await signIn(page);
    await page.locator("#warnings", { hasText: "pending for old, which is not a destination: 1" }).waitFor();
    await view(page, "destinations");
    assert.match(await page.locator("#stranded tbody").innerText(), /old[^]*1/);
    await look(page, "stranded", looks);
    await page.locator("#stranded").getByRole("button").click();
    assert.equal(await page.inputValue("#revive-from"), "old");
    await page.selectOption("#revive-to", "crm");
    await look(page, "redeliver-from", looks);
    await page.click("#revive .primary");
    await waitForMessage(page, "Sent again: 1.");
    await admin(at).until(id, "delivered");
    await page.click("#refresh");
    await page.locator("#stranded-part").waitFor({ state: "hidden" });
    assert.deepEqual(wrong, []);
    await page.close();
  });

  test(`${title}: lists how events differ from the documentation`, { timeout: 600_000 }, async (t) => {
    const { edge, url } = await start(t, DURABLE);
    const { page, wrong } = await opened(edge, looks);
    await signIn(page);
    await view(page, "drift");
    await page.locator("#drift", { hasText: "No event differed from the documentation." }).waitFor();
    await look(page, "drift-none", looks);
    assert.equal((await post(url, event({ [IMAGE]: 1 }))).status, 200);
    await eventually(async () => (await admin(edge).ask("GET", "status")).drift !== 0);
    await page.click("#refresh");
    await page.locator("#drift", { hasText: IMAGE }).waitFor();
    assert.match(await page.locator("#drift tbody").innerText(), /demo_session_finished[^]*not documented[^]*1/);
    assert.equal(await page.locator("img").count(), 0);
    await look(page, "drift", looks);
    assert.deepEqual(wrong, []);
    await page.close();
  });
}

/** Starts an edge whose destination `crm` answers with `status`, sends one event, and signs in on the page. */
async function startFailing(t, status, headers) {
  const crm = await startOrigin();
  t.after(crm.stop);
  crm.answer = (_, response) => response.writeHead(status, headers).end();
  const { edge, url } = await start(t, (origin) => ({
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url }, { name: "mail", url: origin.url }]),
  }));
  assert.equal((await post(url, event())).status, 200);
  const world = { edge, url, crm, ...admin(edge) };
  const [id] = await world.ids();
  await world.until(id, ({ attempts, sends }) => attempts.length >= 2 && sends.some(({ state }) => state === "delivered"));
  const { page, wrong } = await opened(edge);
  await signIn(page);
  return { ...world, id, page, wrong };
}

test("page: names both causes of a failed TLS handshake", { timeout: 600_000 }, async (t) => {
  const { page, wrong } = await startFailing(t, 525);
  await view(page, "destinations");
  const text = "The TLS handshake fails: its certificate is not accepted, or the port does not speak TLS.";
  assert.ok((await destination(page, "crm").innerText()).includes(text));
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: requires a destination and a start to redeliver all of a period, until now", { timeout: 600_000 }, async (t) => {
  const { page, wrong, crm, id, until } = await startFailing(t, 500);
  crm.answer = (_, response) => response.end();
  await until(id, "delivered");
  await page.click("[data-opens=revive]");
  await page.selectOption("#revive-state", "all");
  assert.equal(await page.locator("#revive-to option").first().innerText(), "choose one");
  const invalid = () => page.locator("#revive :invalid:not(form)").evaluateAll((fields) => fields.map(({ id }) => id));
  assert.deepEqual(await invalid(), ["revive-to", "revive-since"]);
  await page.click("#revive .primary");
  assert.equal(await page.evaluate(() => document.activeElement.id), "revive-to"); // where the browser shows why
  assert.equal(await page.locator("#revive .note").innerText(), "");
  await page.selectOption("#revive-to", "crm");
  await page.fill("#revive-since", "2020-01-01T00:00");
  const request = page.waitForRequest("**/admin/redeliver");
  const before = Date.now();
  await page.click("#revive .primary");
  assert.ok((await request).postDataJSON().until >= before);
  await waitForMessage(page, "Sent again: 1.");

  await page.click("[data-opens=revive]");
  assert.deepEqual(await invalid(), []);
  assert.equal(await page.locator("#revive-to option").first().innerText(), "every destination that applies");
  await page.click("#revive .close");
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: lists the deliveries that wait for one destination, until the filter is removed", { timeout: 600_000 }, async (t) => {
  const { edge, url } = await start(t, (origin) => ({
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify(["crm", "mail"].map((name) => ({ name, url: origin.url, events: [name] }))),
  }));
  for (const name of ["crm", "mail"]) {
    await admin(edge).ask("POST", `destinations/${name}/pause`);
    assert.equal((await post(url, JSON.stringify({ event: name }))).status, 200);
  }
  const { page, wrong } = await opened(edge);
  await signIn(page);
  await page.getByText("Shown: 2, all.", { exact: true }).waitFor();
  await view(page, "destinations");
  await destination(page, "crm").getByRole("link", { name: "1" }).click();
  await shown(page, "1, all. Filtered.");
  assert.equal(await page.locator("#deliveries tbody a").innerText(), "crm");
  await look(page, "one-destination", LOOKS[1]);
  await page.click("#deliveries tbody a");
  await page.click("#back");
  await shown(page, "1, all. Filtered.");
  await page.getByRole("link", { name: "Destination: crm" }).click();
  await shown(page, "2, all. Filtered.");
  assert.equal(await page.locator("#only a").count(), 0);
  await page.goBack();
  await shown(page, "1, all. Filtered.");
  await page.click('#counts a[href="#"]');
  await page.getByText("Shown: 2, all.", { exact: true }).waitFor();
  assert.deepEqual(wrong, []);
  await page.close();
});

test("page: shows until when a delivery is held, and that its destination is paused", { timeout: 600_000 }, async (t) => {
  const { page, wrong, ask, id } = await startFailing(t, 503, { "retry-after": "600" });
  const { heldUntil } = (await ask("GET", "status")).destinations[0];
  const row = rowOf(page, "demo_session_finished").locator(".sends");
  const next = page.locator("#sends tbody tr", { hasText: "crm" }).locator("[data-column=Next]");
  await page.click("#refresh");
  await row.getByText("held until").waitFor();
  assert.equal(await row.locator("time").getAttribute("datetime"), new Date(heldUntil).toISOString());
  await page.click(linkTo(id));
  await next.getByText("held until").waitFor();
  assert.equal(await next.locator("time").getAttribute("datetime"), new Date(heldUntil).toISOString());

  await ask("POST", "destinations/crm/pause");
  await page.click("#refresh");
  await page.waitForFunction(() => document.querySelector("#sends [data-column=Next]").textContent === "paused");
  await page.click("#back");
  await row.getByText("paused").waitFor();
  assert.deepEqual(wrong, []);
  await page.close();
});
