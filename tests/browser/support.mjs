import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../..");

/** Starts the Chromium that tools/prerequisites.sh finds. */
export function launch() {
  const found = execFileSync(join(root, "tools/prerequisites.sh"), ["browser"], { encoding: "utf8" }).trim();
  const args = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  // Chromium's own sandbox refuses root.
  if (process.getuid?.() === 0) args.push("--no-sandbox");
  return chromium.launch({ executablePath: found, args });
}

/** Opens a page and returns it with all that went wrong on it: errors, violations, requests elsewhere. */
export async function open(browser, url, options = {}) {
  const page = await browser.newPage(options);
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("requestfailed", (request) => wrong.push(`${request.url()} failed`));
  page.on("request", (request) => request.url().startsWith(url) || wrong.push(`${request.url()} was requested`));
  await page.goto(url);
  return { page, wrong };
}
