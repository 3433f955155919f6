// Deploys the Worker as a user does: with wrangler, from the archive of a release, and in two environments.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { DURABLE, event, folder, post, sign, start } from "./support.mjs";

const root = join(import.meta.dirname, "../..");

/** The largest upload, gzipped, in bytes. The typed messages (serde and serde-wasm-bindgen) take about 7 KiB of it. */
const MOST_BYTES = 231 * 1024;

// On a terminal, the test runner sets FORCE_COLOR.
const env = { ...process.env, WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0" };

test("wrangler deploys the built Worker unchanged", async (t) => {
  const out = await folder(t);
  const wrangler = join(root, "node_modules/.bin/wrangler");
  const { stdout } = await promisify(execFile)(wrangler, ["deploy", "--dry-run", "--outdir", out], {
    cwd: join(root, "worker"),
    env,
  });
  match(stdout, /env\.INBOX \(Inbox\)\s+Durable Object/);
  const modules = (await readdir(out)).filter((file) => /\.(js|wasm)$/.test(file));
  deepEqual(modules.sort(), ["core_bg.wasm", "index.js"]);
  let bytes = 0;
  for (const file of modules) {
    const uploaded = await readFile(join(out, file));
    ok(uploaded.equals(await readFile(join(root, "worker/build", file))), file);
    bytes += gzipSync(uploaded, { level: 9 }).length;
  }
  ok(bytes <= MOST_BYTES, `${bytes} bytes`);
});

test("the archive of a release can be deployed without building anything", async (t) => {
  const at = await folder(t);
  const name = "walnut-webhooks-worker-1.2.3";
  const run = promisify(execFile);
  await run(join(root, "tools/worker-archive.sh"), [name, at]);
  await run("tar", ["--extract", "--gzip", "--file", join(at, `${name}.tgz`), "--directory", at]);
  const { stdout } = await run(join(root, "node_modules/.bin/wrangler"), ["deploy", "--dry-run", "--outdir", join(at, "out")], {
    cwd: join(at, name),
    env,
  });
  match(stdout, /env\.INBOX \(Inbox\)\s+Durable Object/);
  ok((await readdir(join(at, name, "build"))).includes("THIRD_PARTY_LICENSES"));
});

test("each of two environments has its own key, storage and origin", async (t) => {
  const all = [];
  for (const key of ["the key of sales", "the key of success"]) {
    all.push({ key, ...(await start(t, { ...DURABLE, WALNUT_WEBHOOK_KEY: key })) });
  }
  const [sales, success] = all;
  const body = event();
  for (const { key, url } of all) {
    equal((await post(url, body, { "x-walnut-signature": sign(body, key) })).status, 200);
  }
  for (const { origin, logged } of all) {
    equal((await origin.took(1)).body.toString(), body);
    ok(await logged('"accepted"'));
  }
  const forged = await post(success.url, body, { "x-walnut-signature": sign(body, sales.key) });
  deepEqual(forged, { status: 401, code: "signature_mismatch" });
});

test("stores nothing if the platform does not support the jurisdiction", async (t) => {
  const { url, logged } = await start(t, { ...DURABLE, JURISDICTION: "eu" });
  deepEqual(await post(url, event()), { status: 503, code: "store_failed" });
  ok(await logged("inbox_failed", "Jurisdiction restrictions are not implemented in workerd"));
});
