// Copies each text of Compose, and runs it unchanged in a shell, Node or Cargo. The events have characters that are hard to quote.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { harness, KEY, receiver, sign } from "./support.mjs";

const root = join(import.meta.dirname, "../..");
const scratch = join(root, "target/copies");
const openPage = harness();
const run = promisify(execFile);
const env = { ...process.env, WALNUT_WEBHOOK_KEY: KEY };
// With this variable, the inner test would report to the outer one.
delete env.NODE_TEST_CONTEXT;

const AWKWARD = `O'Brien "said" \\n \\' $HOME \`id\` %s ! é 漢 💥 #"## @x`;
const EVENTS = [
  { kind: "demo", shape: "documented", layout: "compact", email: AWKWARD },
  { kind: "playlist", shape: "documented", layout: "pretty", email: `${AWKWARD}\u202e\u2028` },
  { kind: "test", shape: "name", layout: "pretty", email: "'" },
  { kind: "demo", shape: "syntax", layout: "compact", email: "" },
];

/** Composes an event, and copies it in a format through the clipboard. */
async function copyText(page, { kind, shape, layout, email }, format) {
  await page.check(`input[name=kind][value=${kind}]`);
  await page.fill("#seed", "11");
  await page.selectOption("#shape", shape);
  await page.check(`input[name=layout][value=${layout}]`);
  await page.fill("[data-path='data.user.email']", email);
  const copy = async (format) => {
    await page.check(`input[name=format][value=${format}]`);
    await page.evaluate(() => navigator.clipboard.writeText(""));
    await page.click("#copy");
    return (await page.waitForFunction(() => navigator.clipboard.readText())).jsonValue();
  };
  const body = await copy("body");
  const text = await copy(format);
  assert.equal(text, await page.textContent("#preview"));
  assert.ok(!text.includes(KEY));
  return { body, text };
}

const permissions = ["clipboard-read", "clipboard-write"];
const compose = (t) => openPage(t, { key: KEY, view: "compose", permissions });

test("copies: curl and fetch send the shown bytes with the shown signature", { timeout: 600_000 }, async (t) => {
  mkdirSync(scratch, { recursive: true });
  const { url, taken } = await receiver(t, (_, response) => response.end("taken"));
  const { page } = await compose(t);
  await page.click("#tab-send");
  await page.fill("#url", `${url}/it's?a=1&b=$HOME`);
  await page.click("#tab-compose");
  const hasCurl = await run("curl", ["--version"]).then(() => true, () => false);
  for (const event of EVENTS) {
    const { body, text } = await copyText(page, event, "curl");
    // A shell splits the command into words. This needs no curl, because the shell calls a function of this name.
    const { stdout } = await run("sh", ["-c", `curl() { printf '%s\\0' "$@"; }\n${text}`]);
    assert.deepEqual(stdout.split("\0").slice(0, -1), [
      "--request", "POST", `${url}/it's?a=1&b=$HOME`, "--header", "Content-Type: application/json", "--header", `X-Walnut-Signature: ${sign(body)}`, "--data-raw", body,
    ]);
    const senders = { fetch: async () => {
      const { text } = await copyText(page, event, "fetch");
      writeFileSync(join(scratch, "fetch.mjs"), text);
      return run(process.execPath, [join(scratch, "fetch.mjs")]);
    } };
    if (hasCurl) senders.curl = () => run("sh", ["-c", text]);
    for (const send of Object.values(senders)) {
      assert.match((await send()).stdout, /taken/);
      const request = taken.pop();
      assert.equal(request.method, "POST");
      assert.equal(request.body.toString(), body);
      assert.equal(request.headers["x-walnut-signature"], sign(body));
      assert.equal(request.headers["content-type"], "application/json");
    }
  }
});

test("copies: the Node test runs the user's handler, and fails if the handler fails", { timeout: 600_000 }, async (t) => {
  mkdirSync(scratch, { recursive: true });
  const { page } = await compose(t);
  const runTest = async (text, handler) => {
    writeFileSync(join(scratch, "on-delivery.js"), handler);
    writeFileSync(join(scratch, "copied.test.mjs"), text);
    return run(process.execPath, ["--test", "--test-reporter=tap", join(scratch, "copied.test.mjs")], { env });
  };
  const handled = join(scratch, "handled.json");
  const storingHandler = `import { writeFileSync } from "node:fs";
    export const onDelivery = async (delivery) => writeFileSync(${JSON.stringify(handled)}, JSON.stringify(delivery));`;
  for (const event of EVENTS) {
    const { body, text } = await copyText(page, event, "node");
    assert.ok(!text.includes(sign(body)));
    rmSync(handled, { force: true });
    assert.match((await runTest(text, storingHandler)).stdout, /# pass 1\n# fail 0/);
    if (event.shape === "syntax") assert.equal(existsSync(handled), false);
    else assert.deepEqual(JSON.parse(readFileSync(handled, "utf8")).event, JSON.parse(body));
  }
  const { text } = await copyText(page, EVENTS[0], "node");
  const failingHandler = "export const onDelivery = async () => { throw new Error('the database is down'); };";
  await assert.rejects(runTest(text, failingHandler), ({ stdout }) => /the database is down[^]*# fail 1/.test(stdout));
  await assert.rejects(runTest(text.replace('"event": "demo_session_finished"', '"event": "another"'), storingHandler), ({ stdout }) => /# fail 1/.test(stdout));
});

test("copies: the Node test needs no key", { timeout: 600_000 }, async (t) => {
  const { page } = await openPage(t, { view: "compose", permissions });
  await page.check("input[name=format][value=node]");
  assert.equal(await page.isDisabled("#copy"), false);
  assert.match(await page.textContent("#preview"), /sampleDelivery\(event\)/);
});

test("copies: the Rust test compiles and passes", { timeout: 600_000 }, async (t) => {
  const project = join(scratch, "rust");
  rmSync(project, { recursive: true, force: true });
  mkdirSync(join(project, "tests"), { recursive: true });
  mkdirSync(join(project, "src"));
  writeFileSync(join(project, "src/lib.rs"), "");
  writeFileSync(join(project, "Cargo.toml"), `[package]
name = "copied"
version = "0.0.0"
edition = "2024"

[dependencies]
walnut-webhooks = { path = ${JSON.stringify(root)} }

[workspace]
`);
  cpSync(join(root, "Cargo.lock"), join(project, "Cargo.lock"));
  const { page } = await compose(t);
  for (const [index, event] of EVENTS.entries()) {
    const { body, text } = await copyText(page, event, "rust");
    writeFileSync(join(project, `tests/event_${index}.rs`), text);
    if (index === 0) assert.ok(text.includes(body), "a raw string is used if possible");
  }
  // Reuses the build of the crate's tests.
  const { stdout } = await run("cargo", ["test", "--offline", "--quiet"], { cwd: project, env: { ...env, CARGO_TARGET_DIR: join(root, "target") } });
  assert.equal(stdout.match(/test result: ok\. 2 passed/g)?.length, EVENTS.length, stdout);
  assert.ok(readFileSync(join(project, "tests/event_1.rs"), "utf8").includes("\\u{202e}"));
});
