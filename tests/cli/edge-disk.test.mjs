// `edge start` in a folder that can't be written, and on a disk that is full at the start or later. Root ignores the modes of
// files, so each folder is a separate file system.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { event } from "../worker/support.mjs";
import { destination, launch, running, startEdge, stop, variables } from "./edge-support.mjs";
import { folder } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);

/** A mount needs root, or a namespace in which this user is root. The mount ends with the namespace. */
const NAMESPACES = [["--mount"], ["--user", "--map-root-user", "--mount"]];
const { EDGE_DISKS: disks } = process.env;

if (disks === undefined) {
  plainTest("edge start handles disks that are read-only or full", async (t) => {
    const namespace = NAMESPACES.find((flags) => spawnSync("unshare", [...flags, "true"]).status === 0);
    ok(namespace, "this test mounts a tmpfs: run it on Linux, as root or where users may create namespaces");
    const env = { ...process.env, EDGE_DISKS: folder(t), NODE_TEST_CONTEXT: undefined };
    execFileSync("unshare", [...namespace, process.execPath, import.meta.filename], { env, stdio: "inherit" });
  });
} else {
  test("says that the folder is read-only, and starts once it is writable", async (t) => {
    const data = disk("read-only");
    const env = variables(await destination(t));
    remount(data, "ro");
    const { status, err } = await launch(t, data, { env }).ended;
    deepEqual([status, err], [2, `walnut-webhooks: the folder ${data} can't be written: the file system is read-only\n`]);
    remount(data, "rw");
    const edge = await startEdge(t, data, { env });
    equal((await stop(edge)).status, 0);
  });

  test("says that the disk is full, leaves nothing behind, and starts once there is room", async (t) => {
    const data = disk("full-at-start");
    const env = variables(await destination(t));
    fill(join(data, ".ballast"));
    const { status, err } = await launch(t, data, { env }).ended;
    equal(status, 2);
    match(err, /^walnut-webhooks: the folder .* can't be written: the disk is full\n$/);
    deepEqual([readdirSync(data), running(data)], [[".ballast"], []]);
    rmSync(join(data, ".ballast"));
    equal((await startEdge(t, data, { env })).health, 200);
  });

  test("answers 503 while the disk is full, and delivers once there is room", async (t) => {
    const data = disk("full-later");
    const origin = await destination(t);
    const edge = await startEdge(t, data, { env: variables(origin) });
    const stored = event();
    equal((await edge.post(stored)).status, 200);
    await edge.logged({ event: "delivered" });
    fill(join(data, ".ballast"));
    const padding = "x".repeat(60_000);
    let answer = await edge.post(event({ padding }));
    while (answer.status === 200) answer = await edge.post(event({ padding }));
    deepEqual([answer.status, answer.code], [503, "store_failed"]);
    equal(edge.child.exitCode, null);
    rmSync(join(data, ".ballast"));
    const last = event();
    while ((await edge.post(last)).status !== 200);
    while (!origin.taken.some(({ body }) => `${body}` === last)) await origin.took(origin.taken.length + 1);
    equal((await stop(edge)).status, 0);
  });
}

/** Mounts a disk of 8 MiB. */
function disk(name) {
  const path = join(disks, name);
  mkdirSync(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=700", "none", path]);
  return path;
}

function remount(path, mode) {
  execFileSync("mount", ["-o", `remount,${mode}`, path]);
}

/** Writes a file until the disk is full. */
function fill(path) {
  const file = openSync(path, "a");
  const page = Buffer.alloc(4096);
  try {
    for (;;) writeSync(file, page);
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  }
  closeSync(file);
}
