// Runs a bundle of wrangler in workerd.
import { EventEmitter, once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Log, LogLevel, Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as optionsOf } from "wrangler";
import { KEY } from "./support.mjs";

/**
 * Runs the bundle in the folder `bundle`, with the configuration file `config`, until the test ends. `lines` are the
 * printed lines, and `printed(pattern)` waits for a matching line.
 */
export async function startWorkerd(t, config, bundle) {
  const lines = [];
  const changes = new EventEmitter();
  const worker = new Miniflare({
    ...optionsOf(config).workerOptions,
    bindings: { WALNUT_WEBHOOK_KEY: KEY },
    modules: true,
    modulesRoot: bundle,
    scriptPath: join(bundle, readdirSync(bundle).find((name) => name.endsWith(".js"))),
    modulesRules: [{ type: "CompiledWasm", include: ["**/*.wasm"] }],
    host: "127.0.0.1",
    log: new Log(LogLevel.NONE),
    cf: false,
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
  const printed = async (pattern) => {
    while (!lines.some((line) => pattern.test(line))) await once(changes, "change");
  };
  return { url: new URL("/webhook", await worker.ready).href, lines, printed };
}
