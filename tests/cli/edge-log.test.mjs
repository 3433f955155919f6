// The log of `edge start`, while its reader is slow.
import { equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { environment, folder, main } from "./support.mjs";

/** The number of lines in the log. Each has 1,000 bytes, so the log has 150 MB. */
const LINES = 150_000;
/** The time that the reader takes for each chunk, in ms. */
const READER_MS = 5;
/** The limit of the command's memory, in KiB. */
const MOST_KIB = 140 * 1024;

/**
 * A program in the place of workerd. It listens as workerd does, and then writes its log as fast as possible, which the
 * Worker can't.
 */
const CHATTY = `#!${process.execPath}
const { writeSync } = require("node:fs");
const server = require("node:http").createServer((_, response) => response.end()).listen(0, "127.0.0.1", () => {
  for (const socket of ["http", "control"]) writeSync(3, JSON.stringify({ event: "listen", socket, port: server.address().port }) + "\\n");
});
server.once("request", () => setImmediate(() => {
  for (let n = 0; n < ${LINES}; n++) writeSync(1, JSON.stringify({ ...(n % 2 === 0 && { time: "its own" }), n, padding: "x".repeat(970) }) + "\\n");
  require("node:fs").writeFileSync("written", "");
}));
process.on("SIGTERM", () => process.exit());
`;

test("drops and counts lines of the log for a slow reader, and fills no memory", { timeout: 300_000 }, async (t) => {
  const cwd = folder(t);
  const modules = join(cwd, "node_modules/workerd");
  mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, "package.json"), JSON.stringify({ name: "workerd", main: "main.js" }));
  writeFileSync(join(modules, "main.js"), "exports.default = `${__dirname}/workerd.cjs`;");
  writeFileSync(join(modules, "workerd.cjs"), CHATTY);
  chmodSync(join(modules, "workerd.cjs"), 0o755);
  // The command checks the variables before it starts workerd, unless the folder already has an inbox.
  mkdirSync(join(cwd, "data/inbox"), { recursive: true });
  writeFileSync(join(cwd, `data/inbox/${"0".repeat(64)}.sqlite`), "");

  const child = spawn(process.execPath, [main, "edge", "start", "--port", "0"], { cwd, env: environment({}), stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.once("close", resolve));
  // The last lines may be dropped, so the log does not say that all were written.
  const written = join(cwd, "data/written");
  const poll = setInterval(() => {
    if (!existsSync(written)) return;
    clearInterval(poll);
    child.kill("SIGTERM");
  }, 25);
  t.after(() => clearInterval(poll));
  let [rest, count, dropped, peak] = ["", 0, 0, 0];
  for await (const chunk of child.stdout) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const { time, n, event, lines: skipped } = JSON.parse(line);
      equal(time === "its own" && line.split('"time"').length === 2, n !== undefined && n % 2 === 0, line);
      if (n !== undefined) count++;
      if (event === "log_dropped") dropped += skipped;
    }
    peak = Math.max(peak, memoryOf(child.pid) ?? 0);
    await sleep(READER_MS);
  }
  equal(await ended, 0);
  equal(count + dropped, LINES);
  ok(dropped > 0, "no line was dropped");
  t.diagnostic(`${peak} KiB`);
  ok(peak < MOST_KIB, `${peak} KiB`);
});

/** The most memory that a process has had, in KiB; undefined if it has ended. */
function memoryOf(pid) {
  const [, peak] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return peak && Number(peak);
}
