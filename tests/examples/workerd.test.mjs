// The example of a server that is `fetch`, bundled by wrangler as it would be deployed, in real workerd.
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";
import { KEY, patience, post, receives, root, run } from "./support.mjs";

test("fetch in workerd", patience, async (t) => {
  const cwd = join(root, "examples/fetch");
  const bundle = join(root, "target/examples/fetch");
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  await run([process.execPath, wrangler, "deploy", "--dry-run", "--outdir", bundle], cwd, {
    WRANGLER_SEND_METRICS: "false",
  });

  const lines = [];
  const changes = new EventEmitter();
  const { workerOptions } = optionsOf(join(cwd, "wrangler.toml"));
  const worker = new Miniflare({
    ...workerOptions,
    bindings: { WALNUT_WEBHOOK_KEY: KEY },
    modules: true,
    modulesRoot: bundle,
    scriptPath: join(bundle, "server.js"),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    host: "127.0.0.1",
    log: new Log(LogLevel.NONE),
    handleRuntimeStdio: (...streams) => {
      for (const input of streams) {
        createInterface({ input }).on("line", (line) => {
          lines.push(line);
          changes.emit("change");
        });
      }
    },
  });
  t.after(() => worker.dispose());
  const url = new URL("/webhook", await worker.ready).href;
  const printed = async (pattern) => {
    while (!lines.some((line) => pattern.test(line))) await once(changes, "change");
  };
  await receives({ lines, printed }, (...sent) => post(url, ...sent));
});
