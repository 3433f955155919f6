import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before } from "node:test";
import axe from "axe-core";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../..");
const screenshots = join(root, "target/screenshots");

export const KEY = "a key of the tests";
/** Walnut's sample event, as Walnut sends it. */
export const BODY = readFileSync(join(root, "tests/vectors/bodies/demo.json"), "utf8");
export const sign = (body, key = KEY) => createHmac("sha256", key).update(body).digest("hex");

export const LOOKS = ["light", "dark"].flatMap((colorScheme) => [375, 1280].map((width) => ({ colorScheme, viewport: { width, height: 900 } })));

/** Starts the Chromium that tools/prerequisites.sh finds. */
export function launch() {
  const path = execFileSync(join(root, "tools/prerequisites.sh"), ["browser"], { encoding: "utf8" }).trim();
  const args = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: path, args, timeout: 0 });
}

/**
 * Opens a page, and returns it with a list of its problems: errors, warnings, failed requests and forbidden requests. A
 * request is forbidden unless its URL begins with the page's URL or with one of `allowed`.
 */
export async function open(browser, url, { allowed = [], ...options } = {}) {
  const page = await browser.newPage(options);
  // Each test has its own limit. The default of 30 s for one action is too short on a busy machine.
  page.setDefaultTimeout(0);
  const wrong = [];
  const own = [url.split("#", 1)[0], ...allowed];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("requestfailed", (request) => wrong.push(`${request.url()} failed`));
  page.on("request", (request) => own.some((start) => request.url().startsWith(start)) || wrong.push(`${request.url()} was requested`));
  await page.goto(url);
  return { page, wrong };
}

/** Starts the harness for the tests of a file. Each test gets its own page, which must have no problems. */
export function harness() {
  let served;
  let browser;
  before(async () => {
    // Imported here, because some callers need only a browser and no package.
    const { startHarness } = await import("../../pkg-cli/page.js");
    [served, browser] = await Promise.all([startHarness(), launch()]);
  });
  after(async () => {
    await browser?.close();
    await served?.stop();
  });
  /** Opens the page, without the relay's token if `relay` is false, and with the key if `key` is given. */
  return async (t, { relay = true, key, view = "check", ...options } = {}) => {
    const base = served.url.split("#", 1)[0];
    const { page, wrong } = await open(browser, `${relay ? `${served.url}&` : `${base}#`}view=${view}`, options);
    t.after(async () => {
      await page.close();
      assert.deepEqual(wrong, []);
    });
    if (key !== undefined) await page.fill("#key-0", key);
    return { page, wrong };
  };
}

/** Starts a receiver on a free port. It calls `answer` with each request and its body. */
export async function receiver(t, answer) {
  const taken = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const received = { method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(pieces) };
    if (received.method !== "OPTIONS") taken.push(received);
    await answer(received, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, taken };
}

/** Fails if axe finds a violation or the page overflows. */
export async function isSound(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"], preload: false }));
  assert.deepEqual(violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]), []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${overflow} px overflow`);
}

/** Checks the current page, and saves a screenshot. */
export async function look(page, name, { colorScheme, viewport }) {
  await isSound(page);
  await page.screenshot({ path: join(screenshots, `${name}-${viewport.width}-${colorScheme}.png`), fullPage: true });
}

/** The shown verdict, code and cause. */
export async function verdict(page) {
  const [code, cause] = await Promise.all(["#code", "#cause"].map((id) => page.textContent(id)));
  return [await page.getAttribute("#result", "data-verdict"), code, cause];
}

/** The shown value of a delivery's field. */
export function field(page, name) {
  return page.locator("#delivery-facts div", { has: page.locator(`dt:text-is("${name}")`) }).locator("dd").textContent();
}

/** Fills in a body and its signature, as if pasted. */
export async function fillIn(page, body, signature) {
  await page.fill("#body", body);
  if (signature !== undefined) await page.fill("#signature", signature);
}

/** Waits until an element has a text. */
export const showsText = (page, selector, text) => page.locator(selector, { hasText: text }).waitFor({ state: "attached" });
