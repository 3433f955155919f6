// The reaction of long-running commands to signals.
import { deepEqual, equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test as plainTest } from "node:test";
import { environment, start } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);

for (const command of ["listen", "harness"]) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    test(`${command} stops cleanly after ${signal}`, async (t) => {
      const { child, line, ended } = start([command, "--port", "0", "--json"], { input: "" });
      t.after(() => child.kill("SIGKILL"));
      await line();
      child.kill(signal);
      const { status, err } = await ended;
      deepEqual([status, err], [0, ""]);
    });
  }

  test(`${command} ends when npx is ended`, async (t) => {
    const args = ["walnut-webhooks", command, "--port", "0", "--json"];
    const env = environment({ npm_config_offline: "true", npm_config_update_notifier: "false" });
    const npx = spawn("npx", args, { cwd: join(import.meta.dirname, "../.."), env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(npx, "exit");
    const closed = once(npx.stdout, "close");
    t.after(() => {
      try {
        process.kill(-npx.pid, "SIGKILL");
      } catch (error) {
        equal(error.code, "ESRCH");
      }
    });
    await once(createInterface({ input: npx.stdout }), "line");
    npx.kill("SIGTERM");
    await exited;
    // The command holds the pipe open until it ends.
    await closed;
  });
}
