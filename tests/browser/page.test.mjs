// The whole page: tabs, keyboard, offline, secrets, and its appearance in each view and state.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BODY, field, fillIn, harness, isSound, KEY, look, LOOKS, receiver, showsText, sign, verdict } from "./support.mjs";

const openPage = harness();
const options = { timeout: 600_000 };
const focused = (page) => page.evaluate(() => document.activeElement.id);

for (const looks of LOOKS) {
  const title = `${looks.colorScheme}, ${looks.viewport.width} px`;

  test(`page, ${title}: shows Check in each state`, options, async (t) => {
    const { page } = await openPage(t, { key: KEY, ...looks });
    const body = JSON.stringify({ ...JSON.parse(BODY), new: 1 }).replace('"session_id"', '"session"');
    const states = {
      empty: () => page.fill("#key-0", ""),
      genuine: () => page.click("#example-genuine"),
      body: () => page.click("#example-reformatted"),
      signature: () => page.click("#example-signature"),
      request: () => page.click("#example-request"),
      drift: () => page.fill("#key-0", KEY).then(() => fillIn(page, body, sign(body))),
      keys: () => page.fill("#key-0", `"${KEY}" `).then(() => page.click("#add-key")),
    };
    for (const [name, reach] of Object.entries(states)) {
      await reach();
      await look(page, `check-${name}`, looks);
    }
  });

  test(`page, ${title}: shows Compose and Send in each state`, options, async (t) => {
    const { url } = await receiver(t, ({ body }, response) => response.writeHead(body.includes("playlist") ? 500 : 200, { "content-type": "application/json" }).end('{"ok":true}'));
    const { page } = await openPage(t, { view: "compose", ...looks });
    await look(page, "compose-no-key", looks);
    await page.fill("#key-0", KEY);
    await page.fill("#seed", "3");
    await look(page, "compose-demo", looks);
    await page.check("input[name=kind][value=playlist]");
    await page.selectOption("#shape", "missing");
    await page.check("input[name=format][value=rust]");
    await look(page, "compose-playlist", looks);
    await page.click("#tab-send");
    await page.fill("#url", url);
    await look(page, "send-empty", looks);
    await page.click("#send-button");
    await page.waitForSelector("#answer .summary");
    await look(page, "send-one", looks);
    await page.check("input[name=what][value=random]");
    await page.fill("#count", "40");
    await page.click("#send-button");
    await page.waitForSelector("#answer h3:text('The first')");
    await look(page, "send-many", looks);
    await page.fill("#count", "");
    await page.check("input[name=through][value=direct]");
    await page.click("#send-button");
    await look(page, "send-wrong", looks);
  });
}

test("page: fits 320 px", options, async (t) => {
  const { page } = await openPage(t, { key: KEY, viewport: { width: 320, height: 640 } });
  await page.click("#example-signature");
  await isSound(page);
  await page.click("#example-request");
  await isSound(page);
  await page.click("#example-genuine");
  await isSound(page);
  for (const view of ["compose", "send"]) {
    await page.click(`#tab-${view}`);
    await isSound(page);
  }
  await page.click("#tab-compose");
  await page.check("input[name=kind][value=playlist]");
  await isSound(page);
});

for (const width of [320, 375, 1280]) {
  test(`page, ${width} px: wraps long texts from requests and responses`, options, async (t) => {
    const long = "x".repeat(300);
    const { url } = await receiver(t, (_, response) => response.writeHead(500, { [long]: long }).end(long));
    const { page } = await openPage(t, { key: KEY, viewport: { width, height: 900 } });
    const looks = { colorScheme: "light", viewport: { width } };
    const event = JSON.parse(BODY);
    Object.assign(event, { [long]: 1, timestamp: long });
    event.data.session_id = long;
    for (const body of [JSON.stringify(event), JSON.stringify({ ...event, event: long })]) {
      await fillIn(page, body, sign(body));
      assert.equal((await verdict(page))[0], "genuine");
      await look(page, "long-event", looks);
    }
    await page.fill("#body", `curl https://${long}/${long} -H '${long}: ${sign(BODY)}' -H 'X-Walnut-Signature: ${long}' -d @${long}`);
    assert.match(await page.textContent("#message"), /xxx/);
    await look(page, "long-request", looks);
    await page.fill("#body", ["POST / HTTP/1.1", `${long}-signature: ${sign(BODY)}`, "", BODY].join("\n"));
    await isSound(page);
    await page.click("#tab-compose");
    await page.fill("[data-path=event]", long);
    await isSound(page);
    await page.click("#tab-send");
    await isSound(page);
    await page.fill("#url", url);
    await page.click("#send-button");
    await page.waitForSelector("#answer table");
    await look(page, "long-answer", looks);
    await page.fill("#url", `http://${long}.invalid/${long}`);
    await page.click("#send-button");
    await page.waitForSelector("#answer .summary:has-text('No response')");
    await isSound(page);
  });
}

/** Returns the tabs whose name wraps or overflows. */
const brokenTabs = (page) => page.locator("[role=tab]").evaluateAll((tabs) => tabs.filter((tab) => {
  const words = document.createRange();
  words.selectNodeContents(tab);
  return words.getClientRects().length !== 1 || tab.scrollWidth > tab.clientWidth;
}).map(({ textContent }) => textContent));

test("page: keeps the name of each tab on one line, down to 280 px", options, async (t) => {
  const { page } = await openPage(t, { viewport: { width: 280, height: 640 } });
  for (const width of [280, 320, 360, 375, 480, 640]) {
    await page.setViewportSize({ width, height: 640 });
    assert.deepEqual(await brokenTabs(page), [], `${width} px`);
    // The tabs are side by side down to 320 px.
    const tops = await page.locator("[role=tab]").evaluateAll((tabs) => tabs.map((tab) => tab.getBoundingClientRect().top));
    if (width >= 320) assert.equal(new Set(tops).size, 1, `${width} px`);
  }
});

for (const width of [375, 640, 1280]) {
  test(`page, ${width} px: fits with text twice as large`, options, async (t) => {
    const { url } = await receiver(t, (_, response) => response.writeHead(500).end("no"));
    const { page } = await openPage(t, { key: KEY, viewport: { width, height: 900 } });
    const looks = { colorScheme: "light", viewport: { width } };
    // A rule in a sheet, because the page's policy blocks <style>.
    await page.evaluate(() => document.styleSheets[0].insertRule("html { font-size: 200% }", 0));
    assert.deepEqual(await brokenTabs(page), []);
    for (const example of ["signature", "request", "reformatted", "genuine"]) {
      await page.click(`#example-${example}`);
      await look(page, `large-check-${example}`, looks);
    }
    await page.click("#add-key");
    await look(page, "large-keys", looks);
    await page.click("#tab-compose");
    await look(page, "large-compose", looks);
    await page.check("input[name=kind][value=playlist]");
    await isSound(page);
    await page.click("#tab-send");
    await look(page, "large-send", looks);
    await page.fill("#url", url);
    await page.fill("#count", "20");
    await page.click("#send-button");
    await page.waitForSelector("#answer h3:text('The first')");
    await look(page, "large-answer", looks);
    // The fields are wide enough to read.
    for (const id of ["key-0", "url", "count", "rate"]) {
      const { width } = await page.locator(`#${id}`).boundingBox();
      assert.ok(width >= 96, `${id}: ${width} px`);
    }
  });
}

test("page: works with only the keyboard, from an empty page to an answer", options, async (t) => {
  const { url, taken } = await receiver(t, (_, response) => response.end("ok"));
  const { page } = await openPage(t);
  const tabTo = async (id) => {
    for (let presses = 0; (await focused(page)) !== id; presses++) {
      assert.ok(presses < 80, `${id} can't be reached`);
      await page.keyboard.press("Tab");
      // The focused element is in view, and large enough to click.
      const box = await page.evaluate(() => {
        const { x, y, width, height } = document.activeElement.getBoundingClientRect();
        const target = document.activeElement.closest("label") ?? document.activeElement;
        return { isIn: y >= 0 && y < innerHeight && x >= 0, width, height: Math.max(height, target.getBoundingClientRect().height), on: document.activeElement.outerHTML.slice(0, 80) };
      });
      assert.ok(box.isIn && (box.on.startsWith("<body") || (box.width >= 18 && box.height >= 24)), JSON.stringify(box));
    }
  };
  await tabTo("tab-check");
  await tabTo("key-0");
  await page.keyboard.type(KEY);
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "tab-compose");
  assert.equal(await page.isVisible("#compose"), true);
  await tabTo("use-in-check");
  await page.keyboard.press("Enter");
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  assert.equal(await focused(page), "tab-check");
  await page.keyboard.press("End");
  assert.equal(await focused(page), "tab-send");
  await tabTo("url");
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(url);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#answer .summary");
  assert.equal(taken.length, 1);
  assert.equal(taken[0].headers["x-walnut-signature"], sign(taken[0].body));
  await showsText(page, "#announcer", "200.");
});

test("page: keeps the view in the fragment, next to the token", options, async (t) => {
  const { page } = await openPage(t, { view: "send" });
  assert.equal(await page.isVisible("#send"), true);
  await page.click("#tab-compose");
  assert.match(page.url(), /#token=[\w-]{32}&view=compose$/);
  await page.reload();
  assert.equal(await page.isVisible("#compose"), true);
  assert.match(await page.title(), /^Compose/);
  await page.evaluate(() => (location.hash = location.hash.replace("compose", "nothing")));
  await page.waitForSelector("#check:not([hidden])");
  await page.focus("#tab-check");
  for (const [key, tab] of [["ArrowLeft", "send"], ["ArrowRight", "check"], ["End", "send"], ["Home", "check"]]) {
    await page.keyboard.press(key);
    assert.equal(await focused(page), `tab-${tab}`);
  }
  assert.deepEqual(await page.locator("[role=tab][tabindex='0']").allTextContents(), ["Check"]);
});

test("page: needs no network for Check and Compose once it is loaded", options, async (t) => {
  const { page } = await openPage(t, { key: KEY });
  await page.context().setOffline(true);
  await fillIn(page, BODY, sign(BODY));
  assert.deepEqual(await verdict(page), ["genuine", "", ""]);
  await page.click("#tab-compose");
  await page.check("input[name=kind][value=playlist]");
  await page.check("input[name=format][value=node]");
  assert.match(await page.textContent("#preview"), /walnut-webhooks/);
  await page.click("#use-in-check");
  assert.equal(await field(page, "type"), "playlist_session_finished");
});

test("page: stores no key, and shows it only on request", options, async (t) => {
  const secret = "a very secret key";
  const { url } = await receiver(t, (_, response) => response.end("ok"));
  const { page } = await openPage(t, { key: secret });
  await page.click("#example-genuine");
  await page.click("#tab-compose");
  for (const format of ["body", "curl", "fetch", "node", "rust"]) {
    await page.check(`input[name=format][value=${format}]`);
    assert.ok(!(await page.textContent("#preview")).includes(secret));
  }
  await page.click("#tab-send");
  await page.fill("#url", url);
  await page.click("#send-button");
  await page.waitForSelector("#answer .summary");
  const traces = await page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
    location.href, history.length, document.documentElement.outerHTML].join("\n"));
  assert.ok(traces.startsWith("0\n0\n\n0\n0\n"), traces.slice(0, 40));
  assert.ok(!traces.includes(secret));
  assert.equal(await page.getAttribute("#key-0", "type"), "password");
  await page.click("button:has-text('Show key')");
  assert.equal(await page.getAttribute("#key-0", "type"), "text");
  await page.click("button:has-text('Show key')");
  await page.reload();
  assert.equal(await page.inputValue("#key-0"), "");
});

test("page: its policy blocks foreign content and scripts created from strings", options, async (t) => {
  const html = readFileSync(join(import.meta.dirname, "../../harness/index.html"), "utf8");
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)[1].split("; ");
  for (const rule of ["default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'", "connect-src http: https:", "form-action 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"]) {
    assert.ok(policy.includes(rule), rule);
  }
  assert.doesNotMatch(html, / style=|<style|onclick/);
  const { page, wrong } = await openPage(t);
  const rejected = await page.evaluate(() => {
    try {
      document.body.innerHTML = "<b>text</b>";
      return false;
    } catch {
      return true;
    }
  });
  assert.equal(rejected, true);
  assert.match(wrong.splice(0).join(), /TrustedHTML/);
});
