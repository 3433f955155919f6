// Runs the measurement of worker.mjs in real workerd, with and without Node's modules.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { body, KEY } from "./bodies.mjs";

const root = join(import.meta.dirname, "..");

/** Measures in a separate workerd. Returns the microseconds per call for each length and candidate, by round. */
export async function workerd({ lengths, count, nodeCompat }) {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "worker.mjs")],
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm?module", "node:*"],
    write: false,
  });
  const worker = new Miniflare({
    compatibilityDate: "2026-04-01",
    compatibilityFlags: nodeCompat ? ["nodejs_compat"] : [],
    bindings: { key: KEY, count, nodeCompat },
    modulesRoot: root,
    modules: [
      { type: "ESModule", path: join(root, "pkg/worker.js"), contents: outputFiles[0].text },
      { type: "CompiledWasm", path: join(root, "pkg/core.wasm?module"), contents: readFileSync(join(root, "pkg/core.wasm")) },
    ],
  });
  try {
    const micros = {};
    for (const length of lengths) {
      const answer = await worker.dispatchFetch("http://bench/", { method: "POST", body: body(length) });
      if (!answer.ok) throw new Error(`workerd answered ${answer.status} at ${length} bytes: ${await answer.text()}`);
      micros[length] = await answer.json();
    }
    return micros;
  } finally {
    await worker.dispose();
  }
}
