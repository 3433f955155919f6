// The data folder of an edge: its owner, its permissions and its files.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { event } from "../worker/support.mjs";
import { destination, launch, project, running, startEdge, stop, variables, workerdOf } from "./edge-support.mjs";
import { folder, run } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 180_000 }, body);

test("edge dev refuses a folder of edge start, so that no event goes to its sample origin", async (t) => {
  const origin = await destination(t);
  origin.answer = (_, response) => response.writeHead(503).end();
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  equal((await edge.post(event())).status, 200);
  await stop(edge);
  const { status, err } = await run(["edge", "dev", "--data", data, "--port", "0"], { cwd: project });
  equal(status, 2, err);
  match(err, /belongs to edge start/);
  deepEqual(running(data), []);
});

test("an empty --data is a usage error", async () => {
  for (const command of ["start", "dev"]) {
    const { status, err } = await run(["edge", command, "--data", ""], { cwd: project });
    equal(status, 2);
    match(err, /--data is empty/);
  }
});

test("refuses a folder with other files, and leaves them alone", async (t) => {
  const data = folder(t);
  mkdirSync(join(data, "check"));
  writeFileSync(join(data, "check/file"), "precious");
  const { status, err } = await launch(t, data, { env: variables(await destination(t)) }).ended;
  equal(status, 2);
  match(err, /has other files, such as "check"/);
  equal(readFileSync(join(data, "check/file"), "utf8"), "precious");
  deepEqual(readdirSync(data), ["check"]);
});

test("only the owner can read the stored files, and a folder that others can read causes a warning", async (t) => {
  const data = folder(t);
  chmodSync(data, 0o755);
  const edge = await startEdge(t, data, { env: variables(await destination(t)) });
  equal((await edge.post(event())).status, 200);
  for (const file of readdirSync(data, { recursive: true })) {
    const { mode } = statSync(join(data, String(file)));
    equal(mode & 0o077, 0, `${file} has the mode ${(mode & 0o777).toString(8)}`);
  }
  const { err } = await stop(edge);
  match(err, /other users can read the folder/);
});

test("ends an orphaned workerd that was started by another path of the folder, even without its process id", async (t) => {
  const parent = folder(t);
  const [real, link] = [join(parent, "real"), join(parent, "link")];
  mkdirSync(real, { mode: 0o700 });
  symlinkSync(real, link);
  const env = variables(await destination(t));
  const first = await startEdge(t, link, { env });
  const orphan = workerdOf(real);
  ok(orphan);
  first.child.kill("SIGKILL");
  await first.ended;
  rmSync(join(real, "workerd.pid"));
  const second = await startEdge(t, real, { env });
  ok(!existsSync(`/proc/${orphan}/exe`), "the orphan still runs");
  equal((await second.post(event())).status, 200);
});
