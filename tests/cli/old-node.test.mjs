// Every command prints one sentence in a Node that is too old.
import { deepEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { main } from "./support.mjs";

const node18 = join(import.meta.dirname, "../node_modules/node18/bin/node");
const MESSAGE = "Node 18.20.8 is too old: install Node 20.19 or later";

for (const args of [[], ["--help"], ["verify"], ["edge", "init", "x"], ["edge", "dev"], ["edge", "start"], ["edge", "deploy"]]) {
  test(`Node 18 gets one sentence from ${["walnut-webhooks", ...args].join(" ")}`, () => {
    const { status, stdout, stderr } = spawnSync(node18, [main, ...args], { encoding: "utf8" });
    deepEqual([status, stdout, stderr], [2, "", `walnut-webhooks: ${MESSAGE}\n`]);
  });
}

test("Node 18 gets the sentence as JSON with --json", () => {
  const { status, stderr } = spawnSync(node18, [main, "edge", "start", "--json"], { encoding: "utf8" });
  deepEqual([status, JSON.parse(stderr)], [2, { error: { code: "old_node", message: MESSAGE } }]);
});

test("the sentence names the oldest version that package.json allows", () => {
  const { engines } = JSON.parse(readFileSync(join(main, "../package.json"), "utf8"));
  deepEqual(engines, { node: `>=${/\d+\.\d+(?= or later)/.exec(MESSAGE)}` });
});
