// The commands that start the receiver and the worker of a queue, in a project with copies of their files.
import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { cpSync, readdirSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import { delimiter, dirname, join } from "node:path";
import { startPostgres, startRedis } from "../examples/services.mjs";
import { DEMO, post, signed } from "../examples/support.mjs";
import { ID } from "./given.mjs";
import { read, root } from "./markdown.mjs";
import { commands, shell } from "./shell.mjs";

const servers = { bullmq: startRedis, "pg-boss": startPostgres, sqlite: () => ({}) };

/** Node 20 has no node:sqlite. */
const PATH = [dirname(join(root, "tests/node_modules/node24/bin/node")), process.env.PATH].join(delimiter);

/** Starts a service on a free port; `next` resolves to the idempotency key of its first request. */
async function startService(t) {
  const server = createServer((_, response) => response.end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const next = once(server, "request").then(([request]) => request.headers["idempotency-key"]);
  return { url: `http://127.0.0.1:${server.address().port}/`, next };
}

/** Checks that the packages have the versions that the tests of the examples use. */
function checkInstall(command) {
  const [own, ...others] = command.replace(/^npm install /, "").split(" ");
  equal(own, "walnut-webhooks");
  const { devDependencies } = JSON.parse(read("examples/package.json"));
  for (const dependency of others) {
    const [, name, version] = /^(.+)@(.+)$/.exec(dependency);
    equal(version, devDependencies[name], name);
  }
}

/** Runs the block of the queue that its words name. */
export async function queue(t, { words, code }) {
  const name = words.split(" ")[1];
  const [server, service] = [await servers[name](t), await startService(t)];
  const { cwd, run, serve } = shell(t, { PATH, PORT: "0" });
  for (const file of readdirSync(join(root, "examples/queue"))) cpSync(join(root, "examples/queue", file), join(cwd, file));
  symlinkSync(join(root, "examples/node_modules"), join(cwd, "node_modules"));
  const real = code.replace(/(redis|postgres):\/\/\S+/, server.url).replace(/https:\S+/, service.url);
  const [install, settings, receiver, worker, ...rest] = commands(real);
  deepEqual(rest, []);
  checkInstall(install);
  equal((await run(settings)).status, 0);
  const [, url] = await serve(receiver, /listening on (\S+)/);
  equal((await post(url, DEMO, signed(DEMO, "a-key-for-trying"))).status, 200);
  match(worker, / worker\.mjs &$/);
  await serve(worker, /waiting for deliveries/);
  equal(await service.next, ID);
}
