import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { vectors } from "./vectors.mjs";

const root = join(import.meta.dirname, "../..");

const worker = `
  import { Webhook } from "walnut-webhooks";
  import { read, run } from "./conformance.mjs";
  export default {
    async fetch(request) {
      return Response.json(run(Webhook, read(await request.json())));
    },
  };
`;

test("workerd, under the condition of that name: every vector has its verdict", async (t) => {
  const { outputFiles } = await build({
    stdin: { contents: worker, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    conditions: ["workerd"],
    external: ["*.wasm"],
    write: false,
  });
  const workerd = new Miniflare({
    compatibilityDate: "2026-04-01",
    modulesRoot: root,
    modules: [
      { type: "ESModule", path: join(root, "pkg/worker.js"), contents: outputFiles[0].text },
      { type: "CompiledWasm", path: join(root, "pkg/core.wasm") },
    ],
  });
  t.after(() => workerd.dispose());
  const answer = await workerd.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(vectors) });
  const { checks, failures } = await answer.json();
  assert.deepEqual(failures, []);
  assert.ok(checks > 1000, `only ${checks} checks`);
});
