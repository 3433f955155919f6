// Redelivery by state, from a renamed destination, and of one delivery.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, eventually, folder, inShard, post, start, startOrigin, TOKEN } from "./support.mjs";

const list = (...destinations) => ({ ORIGIN_URL: undefined, DESTINATIONS: JSON.stringify(destinations) });
const fails = (_, response) => response.writeHead(500).end();
const accepts = (_, response) => response.end();

/** Starts `count` origins. `edge(...destinations)` starts the edge, each time with the same storage. */
async function world(t, count) {
  const storage = await folder(t);
  const origins = await Promise.all(Array.from({ length: count }, startOrigin));
  for (const { stop } of origins) t.after(stop);
  let last;
  const edge = async (...destinations) => {
    await last?.edge.stop();
    const bindings = { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1", SHARDS: "2", ...list(...destinations) };
    last = await start(t, bindings, { storage });
    return { ...last, ...admin(last.edge) };
  };
  return { origins, edge };
}

const bodies = ({ taken }) => taken.map(({ body }) => body.toString()).sort();
const names = ({ sends }) => sends.map(({ destination, state }) => [destination, state]);

test("unrouted deliveries are sent to the destinations that want them now", async (t) => {
  const { origins: [crm, mail], edge } = await world(t, 2);
  const before = await edge({ name: "crm", url: crm.url, events: ["none"] });
  const lost = Array.from({ length: 210 }, (_, n) => event(n % 3 ? {} : { event: "other" }));
  for (const body of lost) equal((await post(before.url, body)).status, 200);
  equal((await before.ask("GET", "status")).deliveries.unrouted, 210);
  equal((await before.ask("POST", "redeliver", { state: "unrouted" })).redelivered, 0);

  const after = await edge({ name: "crm", url: crm.url, events: ["demo_session_finished"] }, { name: "mail", url: mail.url, events: ["other"] });
  const { received } = (await after.ask("GET", "deliveries?limit=1")).deliveries[0];
  equal((await after.ask("POST", "redeliver", { state: "unrouted", until: received - 3_600_000 })).redelivered, 0);
  equal((await after.ask("POST", "redeliver", { state: "unrouted", destination: "mail" })).redelivered, 70);
  await mail.took(70);
  equal((await after.ask("POST", "redeliver", { state: "unrouted" })).redelivered, 140);
  await crm.took(140);
  deepEqual([...bodies(crm), ...bodies(mail)].sort(), [...lost].sort());
  equal((await after.ask("POST", "redeliver", { state: "unrouted" })).redelivered, 0);
});

test("a new destination gets all deliveries of a period that it wants", async (t) => {
  const { origins: [crm, lake], edge } = await world(t, 2);
  const before = await edge({ name: "crm", url: crm.url });
  const early = event();
  equal((await post(before.url, early)).status, 200);
  const since = (await before.ask("GET", "deliveries")).deliveries[0].received + 1;
  await eventually(() => Date.now() >= since);
  const wanted = [0, 1].map((shard) => inShard(shard, 2));
  const variant = wanted[0].replace('"fab_clicks":0', '"fab_clicks":9');
  for (const body of [...wanted, event({ event: "other" }), variant]) equal((await post(before.url, body)).status, 200);
  await eventually(async () => (await before.ask("GET", "status")).deliveries.pending === 0);

  const after = await edge({ name: "crm", url: crm.url }, { name: "lake", url: lake.url, events: ["demo_session_finished"] });
  const all = { state: "all", destination: "lake", since, until: Date.now() + 1 };
  lake.answer = () => {}; // the deliveries stay pending
  equal((await after.ask("POST", "redeliver", all)).redelivered, 2);
  deepEqual(bodies({ taken: [await lake.took(1), await lake.took(2)] }), [...wanted].sort());
  equal((await after.ask("POST", "redeliver", all)).redelivered, 0);
  deepEqual([crm.taken.length, lake.taken.length], [4, 2]);
});

test("with state all, a destination and a period are required", async (t) => {
  const { origins: [crm], edge } = await world(t, 1);
  const { ask } = await edge({ name: "crm", url: crm.url });
  const all = { state: "all", destination: "crm", since: 0, until: 1 };
  equal((await ask("POST", "redeliver", all)).redelivered, 0);
  for (const name of ["destination", "since", "until"]) {
    equal((await ask("POST", "redeliver", { ...all, [name]: undefined })).code, "invalid_request", name);
  }
  equal((await ask("POST", "redeliver", { state: "lost" })).code, "invalid_request");
});

test("moves pending and dead sends of a renamed destination to the new name", async (t) => {
  const { origins: [crm, other], edge } = await world(t, 2);
  const before = await edge({ name: "old", url: crm.url }, { name: "other", url: other.url });
  crm.answer = fails;
  const dead = [event(), event()];
  for (const body of dead) equal((await post(before.url, body)).status, 200);
  for (const id of await before.ids()) await before.until(id, "dead");
  crm.answer = accepts;
  const delivered = event();
  equal((await post(before.url, delivered)).status, 200);
  await before.until((await before.ids("?limit=1"))[0], "delivered");
  crm.answer = () => {}; // the request is in flight when the edge stops, so its delivery stays pending
  const pending = event();
  equal((await post(before.url, pending)).status, 200);
  await crm.took(4);
  await before.until((await before.ids("?limit=1"))[0], (it) => names(it).some(([name, state]) => name === "other" && state === "delivered"));

  crm.taken.length = 0;
  crm.answer = accepts;
  const after = await edge({ name: "new", url: crm.url }, { name: "other", url: other.url });
  equal((await after.ask("POST", "redeliver", { from: "old", destination: "new" })).redelivered, 3);
  await crm.took(3);
  deepEqual(bodies(crm), [...dead, pending].sort());
  const [last, kept, ...rest] = await after.ids();
  for (const id of [last, ...rest]) {
    const moved = await after.until(id, "delivered");
    deepEqual(names(moved).sort(), [["new", "delivered"], ["other", "delivered"]]);
  }
  deepEqual(names(await after.ask("GET", `deliveries/${kept}`)), [["old", "delivered"], ["other", "delivered"]]);
  equal((await after.ask("POST", "redeliver", { from: "old", destination: "new" })).redelivered, 0);
  // A destination that has a delivery already does not get it again.
  equal(other.taken.length, 4);
});

test("sends a pending delivery of a renamed destination to the new name even if it is dead there", async (t) => {
  const { origins: [old, crm], edge } = await world(t, 2);
  const before = await edge({ name: "old", url: old.url }, { name: "crm", url: crm.url });
  old.answer = () => {};
  crm.answer = (_, response) => response.writeHead(410).end();
  equal((await post(before.url, event())).status, 200);
  const [id] = await before.ids();
  await before.until(id, (it) => names(it).some(([, state]) => state === "dead"));
  crm.answer = accepts;
  const after = await edge({ name: "crm", url: crm.url });
  equal((await after.ask("POST", "redeliver", { from: "old", destination: "crm" })).redelivered, 1);
  deepEqual(names(await after.until(id, "delivered")), [["crm", "delivered"]]);
  equal(crm.taken.length, 2);
});

test("a move requires an old name and a destination", async (t) => {
  const { origins: [crm], edge } = await world(t, 1);
  const { ask } = await edge({ name: "crm", url: crm.url });
  for (const body of [
    { from: "old" },
    { from: "crm", destination: "crm" },
    { from: "old", destination: "old" },
    { from: 3, destination: "crm" },
    { from: "old", destination: "crm", state: "unrouted" },
    { from: "old", destination: "crm", state: "all", since: 0, until: 1 },
  ]) {
    equal((await ask("POST", "redeliver", body)).code, "invalid_request", JSON.stringify(body));
  }
  equal((await ask("POST", "redeliver", { from: "old", destination: "crm", state: "dead" })).redelivered, 0);
});

test("redelivers one delivery to the destinations for which it is dead, or to all that want it", async (t) => {
  const { origins: [crm, mail], edge } = await world(t, 2);
  const { url, ask, ids, until } = await edge({ name: "crm", url: crm.url }, { name: "mail", url: mail.url });
  const redeliver = async (id, body) => {
    const { destinations, code } = await ask("POST", `deliveries/${id}/redeliver`, body);
    return destinations ?? code;
  };
  crm.answer = fails;
  const body = event();
  equal((await post(url, body)).status, 200);
  const [id] = await ids();
  await until(id, "dead");
  crm.answer = accepts;
  deepEqual(await redeliver(id), ["crm"]);
  await until(id, "delivered");
  deepEqual(await redeliver(id), []);
  deepEqual(await redeliver(id, { state: "dead" }), []);
  deepEqual(await redeliver(id, { state: "all" }), ["crm", "mail"]);
  await until(id, "delivered");
  deepEqual([crm.taken.length, mail.taken.length], [3, 2]);
  deepEqual(await redeliver(id, { state: "unrouted" }), "invalid_request");
  // A variant was not sent at its arrival, so it is dead for no destination.
  equal((await post(url, body.replace('"fab_clicks":0', '"fab_clicks":9'))).status, 200);
  const [variant] = await ids("?state=variant");
  deepEqual(await redeliver(variant, { state: "dead" }), []);
  deepEqual(await redeliver(variant), ["crm", "mail"]);
  await until(variant, "delivered");
});

test("names a shard that fails, and redelivers the deliveries of the others", async (t) => {
  const entry = `
    import worker, { Inbox as Working } from "./index.js";
    export class Inbox extends Working {
      ask(version, shard, request) {
        if (shard === 1 && request.RedeliverMany) throw new Error("the shard can't be read");
        return super.ask(version, shard, request);
      }
    }
    export default worker;
  `;
  const { edge, url, origin } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1", SHARDS: "3" }, { entry });
  const { ask, ids, until } = admin(edge);
  origin.answer = fails;
  for (let n = 0; n < 12; n++) equal((await post(url, event())).status, 200);
  const all = await ids();
  for (const id of all) await until(id, "dead");
  origin.answer = accepts;
  const { redelivered, brokenShards } = await ask("POST", "redeliver", {});
  deepEqual([redelivered, brokenShards], [all.filter((id) => !id.startsWith("1-")).length, [1]]);
});
