// An edge that sends deliveries to itself, directly or through others.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { change, lasting, select } from "./storage.mjs";
import { admin, DIRECT, DURABLE, event, eventually, post, sign, start, TOKEN } from "./support.mjs";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const own = (port) => `http://127.0.0.1:${port}/webhook`;
const through = (url, list, body = event()) => post(url, body, { "x-walnut-signature": sign(body), "walnut-edge": list });

for (const [name, path] of [["itself", ["own"]], ["another edge, which sends it back", ["other", "own"]]]) {
  test(`an edge whose destination is ${name} answers 508, and the delivery fails with the reason`, async (t) => {
    const ports = { own: await freePort(), other: await freePort() };
    const bindings = { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1" };
    const { edge, url, lines, logged } = await start(t, { ...bindings, ORIGIN_URL: own(ports[path[0]]) }, { port: ports.own });
    const last = path.length === 1 ? edge : (await start(t, { ...bindings, ORIGIN_URL: own(ports.own) }, { port: ports.other })).edge;
    equal((await post(url, event())).status, 200);
    const { ids, until, ask } = admin(last);
    await eventually(async () => (await ids()).length !== 0);
    const [{ status, how, body }] = (await until((await ids())[0], "dead")).attempts;
    deepEqual([status, how], [508, "status"]);
    const { error } = JSON.parse(body);
    equal(error.code, "loop");
    match(error.message, /remove the destination that sends it back/);
    await logged('"refused"', '"loop"');
    ok(!lines.some((line) => line.includes('"duplicate"')));
    if (path.length === 1) {
      // An isolate reports its counts with its first rejection, or after a minute.
      await eventually(async () => "loop" in (await ask("GET", "status")).failures);
    } else {
      equal((await admin(edge).until((await admin(edge).ids())[0], "delivered")).sends.length, 1);
    }
  });
}

test("a direct edge that forwards to itself answers 508 to itself, and 502 to the sender", async (t) => {
  const port = await freePort();
  const { url, logged } = await start(t, { ...DIRECT, ORIGIN_URL: own(port) }, { port });
  deepEqual(await post(url, event()), { status: 502, code: "origin_failed" });
  await logged('"refused"', '"loop"');
  await logged("not_delivered", '"origin":508');
});

for (const [name, mode] of [["durable", DURABLE], ["direct", DIRECT]]) {
  test(`a chain of two edges delivers, and a ${name} edge appends its own id to walnut-edge`, async (t) => {
    const behind = await start(t, mode);
    const front = await start(t, { ...mode, ORIGIN_URL: behind.url });
    for (let n = 1; n <= 2; n++) equal((await post(front.url, event())).status, 200);
    const { headers } = await behind.origin.took(1);
    match(headers["walnut-edge"], /^[0-9a-f]{32},[0-9a-f]{32}$/);
    equal((await behind.origin.took(2)).headers["walnut-edge"], headers["walnut-edge"]);
    const [first, second] = headers["walnut-edge"].split(",");
    ok(first !== second);

    // Entries that can't be ids are left out.
    equal((await through(behind.url, `a, b,${"x".repeat(65)},caf\u00e9`)).status, 200);
    equal((await behind.origin.took(3)).headers["walnut-edge"], `a,b,${second}`);
  });

  test(`a ${name} edge accepts a delivery through 7 edges, and answers 508 to one through 8`, async (t) => {
    const { url, origin, logged } = await start(t, mode);
    equal((await through(url, "a,b,c,d,e,f,g")).status, 200);
    match((await origin.took(1)).headers["walnut-edge"], /^a,b,c,d,e,f,g,[0-9a-f]{32}$/);
    deepEqual(await through(url, "a,b,c,d,e,f,g,h"), { status: 508, code: "loop" });
    await logged('"refused"', '"loop"');
    const body = event();
    const forged = { "x-walnut-signature": "0".repeat(64), "walnut-edge": "a,b,c,d,e,f,g,h" };
    equal((await post(url, body, forged)).code, "signature_mismatch");
    equal(origin.taken.length, 1);
  });
}

test("each shard answers 508 to a list that names this edge, before it looks for a duplicate, also after a restart", async (t) => {
  const world = await lasting(t, { SHARDS: "4" });
  const bodies = Array.from({ length: 20 }, () => event());
  for (const body of bodies) equal((await post(world.url, body)).status, 200);
  await world.origin.took(20);
  const all = new Set(world.origin.taken.map(({ headers }) => headers["walnut-edge"]));
  equal(all.size, 1);
  const [instance] = all;
  await world.restart();
  equal((await world.ask("GET", "status")).duplicates, 0);
  for (const body of bodies) deepEqual(await through(world.url, `x,${instance}`, body), { status: 508, code: "loop" });
  equal((await world.ask("GET", "status")).duplicates, 0);
  equal((await through(world.url, "x", bodies[0])).status, 200);
  equal((await world.ask("GET", "status")).duplicates, 1);
});

test("an edge of an older version gets its id with its next delivery, and all its shards get the same one", async (t) => {
  const world = await lasting(t, { SHARDS: "4" });
  const deliver = async () => {
    const before = world.origin.taken.length;
    for (let n = 0; n < 20; n++) equal((await post(world.url, event())).status, 200);
    await world.origin.took(before + 20);
    // A delivery without a result would be sent again after the restart.
    for (const id of await world.ids()) await world.until(id, "delivered");
    return new Set(world.origin.taken.slice(before).map(({ headers }) => headers["walnut-edge"]));
  };
  const old = await deliver();
  await world.restart((storage) => {
    const [{ value }] = select(storage, "SELECT value FROM meta WHERE name = 'shards' LIMIT 1");
    equal(value, 4);
    change(storage, "DELETE FROM meta WHERE name = 'instance'");
  });
  const now = await deliver();
  deepEqual([old.size, now.size], [1, 1]);
  ok(![...now].includes([...old][0]));
});
