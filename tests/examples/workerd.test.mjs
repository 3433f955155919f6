// Bundles the `fetch` example with wrangler, as for a deployment, and runs it in workerd.
import { join } from "node:path";
import { test } from "node:test";
import { patience, post, receives, root, run } from "./support.mjs";
import { startWorkerd } from "./workerd.mjs";

test("fetch in workerd", patience, async (t) => {
  const cwd = join(root, "examples/fetch");
  const bundle = join(root, "target/examples/fetch");
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  await run([process.execPath, wrangler, "deploy", "--dry-run", "--outdir", bundle], cwd, {
    WRANGLER_SEND_METRICS: "false",
  });

  const worker = await startWorkerd(t, join(cwd, "wrangler.toml"), bundle);
  await receives(worker, (...sent) => post(worker.url, ...sent));
});
