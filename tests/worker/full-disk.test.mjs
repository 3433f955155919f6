// A disk that is really full: workerd stores on a separate small file system. No event that was answered 200 is lost,
// each destination gets a delivery at most twice, and the work continues once there is room.
import { deepEqual, equal, ok } from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DURABLE, event, folder, post, start, startOrigin } from "./support.mjs";

const DISK = "8m";
const BALLAST_BYTES = 5 << 20;
/** How long the disk is full while the destinations accept, in ms. In this time, workerd runs the alarm three times. */
const FULL_MS = 12_000;
/** How long a destination takes to answer, in ms. If the object ends in this time, its requests end too. */
const ANSWER_MS = 100;

/** A mount requires root, or a namespace in which this user is root. It ends with the last process in its namespace. */
const NAMESPACES = [["--mount"], ["--user", "--map-root-user", "--mount"]];
const { FULL_DISK: disks } = process.env;

if (disks === undefined) {
  test("on a full disk", async (t) => {
    const namespace = NAMESPACES.find((flags) => spawnSync("unshare", [...flags, "true"]).status === 0);
    ok(namespace, "this test mounts a tmpfs: run it on Linux, as root or where users may create namespaces");
    const env = { ...process.env, FULL_DISK: await folder(t), NODE_TEST_CONTEXT: undefined };
    execFileSync("unshare", [...namespace, process.execPath, import.meta.filename], { env, stdio: "inherit" });
  });
} else {
  test("while events do not fit, sends stored deliveries at most twice, and loses none", { timeout: 600_000 }, async (t) => {
    const world = await onDisk(t, "events", ["crm"]);
    const padding = "x".repeat(60_000);
    while ((await world.send({ padding })) === 200);
    ok(world.ledger.size > 10, `${world.ledger.size} accepted`);
    world.accept();
    for (const end = Date.now() + FULL_MS; Date.now() < end; await sleep(ANSWER_MS)) await world.send({ padding });
    ok(await world.logged("inbox_failed", "SQLITE_FULL"));
    await world.recovers();
  });

  test("while results do not fit, sends stored deliveries at most twice, and loses none", { timeout: 600_000 }, async (t) => {
    const world = await onDisk(t, "results", ["crm", "mail", "search"]);
    for (let n = 0; n < 20; n++) equal(await world.send({}), 200);
    world.fill();
    world.accept();
    await sleep(FULL_MS);
    ok(await world.logged("inbox_failed", "the last alarm failed"));
    await world.recovers();
  });
}

/**
 * Starts an edge that stores on a separate disk, with a ballast file that can be removed to make room. Its destinations
 * fail each request until `accept` is called. `send` posts an event. `fill` leaves less room than the result of an attempt
 * requires. `recovers` removes the ballast, and waits until everything is delivered.
 */
async function onDisk(t, name, names) {
  const disk = join(disks, name);
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK}`, "none", disk]);
  const ballast = join(disk, "ballast");
  const grow = (most) => {
    const file = openSync(ballast, "a");
    const page = Buffer.alloc(4096);
    let size = 0;
    try {
      while (size < most) size += writeSync(file, page);
    } catch (error) {
      if (error.code !== "ENOSPC") throw error;
    }
    closeSync(file);
  };
  grow(BALLAST_BYTES);
  const storage = join(disk, "storage");
  mkdirSync(storage);

  const origins = await Promise.all(names.map(startOrigin));
  for (const origin of origins) {
    t.after(origin.stop);
    origin.answer = (_, response) => response.writeHead(500, { "retry-after": "1" }).end();
  }
  const DESTINATIONS = JSON.stringify(names.map((name, index) => ({ name, url: origins[index].url })));
  const { url, edge, logged } = await start(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS }, { storage });
  const ledger = new Set();
  /** How often each event was sent to each destination after `accept`. */
  const sent = origins.map(() => new Map());
  const send = async (fields) => {
    const body = event(fields);
    const { status, code } = await post(url, body);
    if (status === 200) ledger.add(JSON.parse(body).data.session_id);
    else deepEqual([status, code], [503, "store_failed"]);
    return status;
  };
  const accept = () => {
    for (const [index, origin] of origins.entries()) {
      origin.answer = async (_, response, body) => {
        const { session_id } = JSON.parse(body).data;
        sent[index].set(session_id, (sent[index].get(session_id) ?? 0) + 1);
        await sleep(ANSWER_MS);
        response.end();
      };
    }
  };
  return {
    ledger,
    send,
    accept,
    logged,
    fill() {
      grow(Infinity);
    },
    async recovers() {
      rmSync(ballast);
      equal(await send({}), 200);
      for (const id of ledger) for (const name of names) await logged('"delivered"', id, `"${name}"`);
      const most = sent.map((times) => Math.max(...times.values()));
      ok(Math.max(...most) <= 2, `sent up to ${most} times`);
      await edge.stop();
      execFileSync("umount", [disk]);
    },
  };
}
