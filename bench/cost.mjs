// Measures the costs of the package other than verification: bytes in a bundle, time to load, memory.
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { body } from "./bodies.mjs";
import { median } from "./rounds.mjs";

const root = join(import.meta.dirname, "..");
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;

/** Runs a program in a separate Node process, and returns its output. */
export function node(program, ...args) {
  const stdio = ["ignore", "pipe", "inherit"];
  return execFileSync(process.execPath, [program, ...args], { cwd: import.meta.dirname, encoding: "utf8", stdio });
}

const ENTRIES = {
  "walnut-webhooks": `export * from "walnut-webhooks";`,
  "@octokit/webhooks-methods": `export { verify } from "@octokit/webhooks-methods";`,
  "@noble/hashes": `export * from "@noble/hashes/hmac.js"; export { sha256 } from "@noble/hashes/sha2.js";`,
  "hash-wasm": `export { createHMAC, createSHA256 } from "hash-wasm";`,
  standardwebhooks: `export { Webhook } from "standardwebhooks";`,
  stripe: `export { default } from "stripe";`,
  svix: `export { Webhook } from "svix";`,
  "zod, the demo event's schema": `export { zodDemo } from "./schema.zod.mjs";`,
  "valibot, the demo event's schema": `export { valibotDemo } from "./schema.valibot.mjs";`,
};

/** Returns the size of the code for verification, bundled for a browser: minified, and gzipped. */
export async function sizes() {
  const wasm = readFileSync(join(root, "pkg/core.wasm"));
  const sizes = { "walnut-webhooks, its .wasm alone": { bytes: wasm.length, gzip: gzip(wasm) } };
  for (const [name, contents] of Object.entries(ENTRIES)) {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      write: false,
    });
    const bundle = outputFiles[0].contents;
    sizes[name] = { bytes: bundle.length, gzip: gzip(bundle) };
  }
  return sizes;
}

/**
 * Returns the milliseconds from a process's start to its first delivery, and to the same point of a module
 * that has the same body and loads nothing. Each is the median of `spawns` fresh processes, interleaved.
 * The child reports its age at that point, because the time to end delays no user and varies more.
 */
export function importTime(spawns = 25) {
  const folder = join(root, "target/bench/import");
  mkdirSync(folder, { recursive: true });
  const key = "the key of a first delivery";
  const bytes = body(851);
  const header = createHmac("sha256", key).update(bytes).digest("hex");
  const given = `const body = ${JSON.stringify(bytes.toString())}, header = "${header}";`;
  const deliver = `if (new Webhook("${key}").verify(body, header).drift.length > 0) throw new Error("drift");`;
  const age = "process.stdout.write(String(performance.now()));";
  const programs = {
    "import.mjs": [`import { Webhook } from "walnut-webhooks";`, given, deliver, age],
    "empty.mjs": [given, age],
    "require.cjs": [`const { Webhook } = require("walnut-webhooks");`, given, deliver, age],
    "empty.cjs": [given, age],
  };
  const ages = {};
  for (const name in programs) {
    writeFileSync(join(folder, name), `${programs[name].join("\n")}\n`);
    ages[name] = [];
  }
  for (let spawn = 0; spawn < spawns; spawn++) {
    for (const name in programs) ages[name].push(Number(node(join(folder, name))));
  }
  const way = (name, empty) => {
    const extra = ages[name].map((age, spawn) => age - ages[empty][spawn]);
    return { total: median(ages[name]), empty: median(ages[empty]), extra: median(extra) };
  };
  return { import: way("import.mjs", "empty.mjs"), require: way("require.cjs", "empty.cjs") };
}

/**
 * Returns the bytes of WebAssembly memory after 10 and after 1,000 bodies of 1 MiB, for each way to verify them.
 */
export function memory() {
  const way = (name) => JSON.parse(node("memory.mjs", name));
  return {
    "verify()": way("deliver"),
    "verify(), WebAssembly only": way("deliverWasmOnly"),
    "stream(), WebAssembly only": way("stream"),
  };
}
