// The Compose tab: every event, field and shape. The page signs exactly the body that it shows.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { field, harness, isSound, KEY, showsText, sign, verdict } from "./support.mjs";

const root = join(import.meta.dirname, "../..");
const openPage = harness();
const options = { timeout: 600_000 };
const composed = (page) => page.textContent("#preview");

/** Returns the value at a path such as `data.items[0].name`. */
const at = (event, path) => path.split(/[.[\]]+/).filter(Boolean).reduce((value, step) => value?.[step], event);

/** Returns another value for a field, as text and in JSON. */
function another(type) {
  return { "datetime-local": ["2026-02-03T04:05:06.789", "2026-02-03T04:05:06.789000Z"], number: ["42", 42], "select-one": ["true", true] }[type]
    ?? ["“new” \\ 💥 é", "“new” \\ 💥 é"];
}

for (const [kind, name, count] of [["demo", "demo_session_finished", 18], ["playlist", "playlist_session_finished", 0], ["test", "demo_session_finished", 18]]) {
  test(`compose: edits every field of a ${kind} event`, options, async (t) => {
    const { page } = await openPage(t, { key: KEY, view: "compose" });
    await page.check(`input[name=kind][value=${kind}]`);
    const before = JSON.parse(await composed(page));
    assert.equal(before.event, name);
    assert.equal(await page.textContent("#composed-type"), name);
    const folded = page.locator("details:not([open]) summary");
    while ((await folded.count()) > 0) await folded.first().click();
    const inputs = await page.locator("#fields [data-path]").all();
    if (count > 0) assert.equal(inputs.length, count);
    for (const input of inputs) {
      const path = await input.getAttribute("data-path");
      if (path === "event") continue;
      const box = (flag) => input.locator("xpath=..").locator(`[data-flag=${flag}]`);
      const flags = await Promise.all(["null", "absent"].map(async (flag) => (await box(flag).count()) > 0));
      if (flags[0]) await box("null").uncheck();
      const [text, json] = another(await input.evaluate((input) => input.type));
      if ((await input.evaluate((input) => input.tagName)) === "SELECT") await input.selectOption(text);
      else await input.fill(text);
      assert.deepEqual(at(JSON.parse(await composed(page)), path), json, path);
      if (flags[0]) {
        await box("null").check();
        assert.equal(at(JSON.parse(await composed(page)), path), null, path);
        assert.equal(await input.isDisabled(), true);
        await box("null").uncheck();
        assert.deepEqual(at(JSON.parse(await composed(page)), path), json, path);
      }
      if (flags[1]) {
        await box("null").check();
        await box("absent").check();
        assert.equal(await box("null").isChecked(), false);
        assert.equal(at(JSON.parse(await composed(page)), path), undefined, path);
        await box("absent").uncheck();
      }
    }
    const body = await composed(page);
    // The fields keep Walnut's order after editing.
    assert.deepEqual(Object.keys(JSON.parse(body)), Object.keys(before));
    assert.deepEqual(Object.keys(JSON.parse(body).data), Object.keys(before.data));
    assert.equal(await page.textContent("#composed-signature"), sign(body));
    assert.equal(await page.textContent("#composed-type"), name);
    await page.selectOption("#fields [data-path=is_test]", "");
    assert.equal("is_test" in JSON.parse(await composed(page)), false);
  });
}

test("compose: reports an invalid number or time, and keeps the last valid one", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "compose" });
  const number = page.locator("[data-path='data.demo_engagement.fab_clicks']");
  await number.fill("7");
  await number.fill("");
  assert.equal(await number.getAttribute("aria-invalid"), "true");
  assert.match(await page.locator(`#${await number.getAttribute("aria-describedby")}`).textContent(), /whole number/);
  assert.equal(JSON.parse(await composed(page)).data.demo_engagement.fab_clicks, 7);
  await number.fill("1.5");
  assert.equal(await number.getAttribute("aria-invalid"), "true");
  await number.fill("8");
  assert.equal(await number.getAttribute("aria-invalid"), null);
  const time = page.locator("[data-path=timestamp]");
  await time.fill("");
  assert.equal(await time.getAttribute("aria-invalid"), "true");
  await isSound(page);
  // A year that the browser accepts, but no event can have.
  await time.fill("9999-12-31T23:59");
  assert.equal(await time.getAttribute("aria-invalid"), null);
  for (const late of ["10000-01-01T00:00", "275760-01-01T00:00"]) {
    await time.fill(late);
    assert.equal(await time.getAttribute("aria-invalid"), "true");
    assert.match(await page.locator(`#${await time.getAttribute("aria-describedby")}`).textContent(), /9999/);
    assert.equal(JSON.parse(await composed(page)).timestamp, "9999-12-31T23:59:00.000000Z");
  }
  await page.fill("#seed", "-1");
  assert.match(await page.textContent("#seed-note"), /0 to 4294967295/);
});

test("compose: adds and removes items", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "compose" });
  await page.check("input[name=kind][value=playlist]");
  const items = async () => JSON.parse(await composed(page)).data.items;
  const { length } = await items();
  await page.click(".add-item");
  assert.equal((await items()).length, length + 1);
  assert.equal((await items())[length].position, length + 1);
  await page.fill(`[data-path='data.items[${length}].name']`, "the last");
  for (let left = length; left > 0; left--) {
    const first = page.locator("details").first();
    if (!(await first.evaluate((details) => details.open))) await first.locator("summary").click();
    await first.locator(".remove-item").click();
    assert.equal((await items()).length, left);
  }
  assert.equal((await items())[0].name, "the last");
  assert.equal(await page.isVisible("[data-path='data.items[0].name']"), true); // it stays unfolded
  assert.equal(await page.textContent("#composed-type"), "playlist_session_finished");
  await showsText(page, "#announcer", "1 left");
});

test("compose: makes the same event as the command line for the same seed", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "compose" });
  for (const kind of ["demo", "playlist", "test"]) {
    await page.check(`input[name=kind][value=${kind}]`);
    await page.fill("#seed", "7");
    const expected = execFileSync(process.execPath, [join(root, "pkg-cli/main.js"), "sample", kind, "--seed", "7"], { encoding: "utf8" });
    assert.equal(await composed(page), expected);
  }
  const before = Date.now();
  await page.click("#random");
  assert.notEqual(await page.inputValue("#seed"), "7");
  const time = Date.parse(JSON.parse(await composed(page)).timestamp);
  // The page rounds to seconds.
  assert.ok(time > before - 1000 && time <= Date.now(), `${time - before} ms`);
});

test("compose: makes events with drift, which Check reports", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, view: "compose" });
  const checked = async (use) => {
    await page.click("#use-in-check");
    assert.equal((await verdict(page))[0], "genuine");
    await use();
    await page.click("#tab-compose");
  };
  const drift = () => page.locator("#drift-list li").allTextContents();
  await page.check("input[name=layout][value=pretty]");
  assert.match(await composed(page), /^\{\n {2}"data"/);
  await checked(async () => assert.equal(await field(page, "type"), "demo_session_finished"));
  await page.check("input[name=layout][value=compact]");

  await page.selectOption("#shape", "added");
  await checked(async () => assert.deepEqual(await drift(), ["data.not_documented: added: not documented"]));
  assert.equal(await page.isVisible("#which"), false);
  await page.selectOption("#shape", "name");
  await checked(async () => assert.equal(await field(page, "name"), "demo_session_started"));
  await page.selectOption("#shape", "syntax");
  await checked(async () => assert.deepEqual(await verdict(page), ["genuine", "not_json", ""]));
  assert.match(await page.textContent("#composed-type"), /not_json/);

  await page.check("input[name=kind][value=playlist]");
  for (const [shape, says] of [["missing", /missing/], ["type", /expected, .* found/]]) {
    await page.selectOption("#shape", shape);
    const fields = await page.locator("#which option").allTextContents();
    assert.ok(fields.includes("data.items[0].name") && !fields.includes("data.user.email"));
    for (const field of ["event", "data.items", "data.items[0].selected", "data.user", "data.session_duration_secs", "timestamp"]) {
      await page.selectOption("#which", field);
      await checked(async () => {
        const differences = await drift();
        assert.equal(differences.length, 1, `${shape} ${field}: ${differences}`);
        assert.ok(differences[0].startsWith(field) && says.test(differences[0]), differences[0]);
      });
    }
  }
});

test("compose: shows the body without a key, and signs nothing", options, async (t) => {
  const { page } = await openPage(t, { view: "compose" });
  assert.equal(JSON.parse(await composed(page)).event, "demo_session_finished");
  for (const id of ["use-in-check", "use-in-send", "copy-signature"]) assert.equal(await page.isDisabled(`#${id}`), true);
  await page.check("input[name=format][value=curl]");
  assert.match(await composed(page), /Enter the key/);
  assert.equal(await page.isDisabled("#copy"), true);
  await page.fill("#key-0", KEY);
  assert.match(await composed(page), /X-Walnut-Signature: [0-9a-f]{64}'/);
  await page.click("#use-in-send");
  assert.equal(await page.isVisible("#send"), true);
  assert.equal(await page.evaluate(() => document.activeElement.id), "url");
});
