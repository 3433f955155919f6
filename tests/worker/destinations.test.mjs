// The destinations that an event is sent to: by `tests`, and from all lists.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, folder, post, start, startOrigin, TOKEN } from "./support.mjs";

/** Starts an origin for each name. They end with the test. */
async function origins(t, ...names) {
  const all = {};
  for (const name of names) {
    all[name] = await startOrigin();
    t.after(all[name].stop);
  }
  return all;
}

const bodies = ({ taken }) => taken.map(({ body }) => body.toString());
const accepted = async (url, body) => equal((await post(url, body)).status, 200);

test("a destination with tests false receives no test event", async (t) => {
  const { crm, lake } = await origins(t, "crm", "lake");
  const { url } = await start(t, {
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: [{ name: "crm", url: crm.url, tests: false }, { name: "lake", url: lake.url, tests: true }],
  });
  const [tested, real] = [event({ is_test: true }), event()];
  await accepted(url, tested);
  await lake.took(1);
  await accepted(url, real);
  await Promise.all([crm.took(1), lake.took(2)]);
  deepEqual(bodies(crm), [real]);
  deepEqual(bodies(lake), [tested, real]);
});

test("a test event that no destination wants is unrouted", async (t) => {
  const { url, logged, origin } = await start(t, (origin) => ({
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: [{ name: "crm", url: origin.url, tests: false }],
  }));
  const body = event({ is_test: true });
  await accepted(url, body);
  await logged('"unrouted"');
  await accepted(url, event({ is_test: 1 }));
  equal(JSON.parse((await origin.took(1)).body).is_test, 1, "only true makes a test event");
});

test("the list can be filtered by destination, with the state of the sends to it", async (t) => {
  const { crm, lake } = await origins(t, "crm", "lake");
  const bindings = { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "2", ORIGIN_URL: undefined };
  const DESTINATIONS = [{ name: "crm", url: crm.url }, { name: "lake", url: lake.url, events: ["demo_session_finished"] }];
  const { url, edge } = await start(t, { ...bindings, SHARDS: "2", DESTINATIONS });
  const { ask, ids, until } = admin(edge);
  const sent = async (body) => {
    await accepted(url, body);
    return (await ids("?limit=1"))[0];
  };
  const isOver = ({ sends }) => sends.every(({ attempts }) => attempts > 0);
  crm.answer = (_, response) => response.writeHead(410).end();
  const dead = await sent(event());
  await until(dead, isOver);
  crm.answer = (_, response) => response.writeHead(500, { "retry-after": "600" }).end();
  const waiting = await sent(event());
  await until(waiting, isOver);
  await ask("POST", "destinations/crm/pause");
  const untried = await sent(event());
  await lake.took(3);
  const only = await sent(event({ event: "other" }));
  await until(untried, ({ sends }) => sends.some(({ state }) => state === "delivered"));

  for (const [query, expected] of [
    ["destination=crm", [only, untried, waiting, dead]],
    ["destination=lake", [untried, waiting, dead]],
    ["destination=crm&state=pending", [only, untried, waiting]],
    ["destination=crm&state=dead", [dead]],
    ["destination=crm&state=delivered", []],
    ["destination=lake&state=pending", []],
    ["destination=lake&state=dead", []],
    ["destination=lake&state=delivered", [untried, waiting, dead]],
    ["destination=lake&state=delivered&name=other", []],
    ["destination=crm&name=other", [only]],
    ["destination=crm&state=unrouted", []],
    ["destination=cr", []],
  ]) {
    deepEqual(await ids(`?${query}`), expected, query);
  }
  const { deliveries, cursor } = await ask("GET", "deliveries?destination=crm&state=pending&limit=2");
  deepEqual(deliveries.map(({ deliveryId }) => deliveryId), [only, untried]);
  deepEqual(await ids(`?destination=crm&state=pending&limit=2&cursor=${cursor}`), [waiting]);
});

test("a held test event is sent only to destinations that want it, also when it is redelivered", async (t) => {
  const { crm, lake } = await origins(t, "crm", "lake");
  const DESTINATIONS = [{ name: "crm", url: crm.url, tests: false }, { name: "lake", url: lake.url }];
  const storage = await folder(t);
  const bindings = { ...DURABLE, ADMIN_TOKEN: TOKEN, ORIGIN_URL: undefined };
  const before = await start(t, { ...bindings, DESTINATIONS: "[{" }, { storage });
  const [tested, real] = [event({ is_test: true }), event()];
  await accepted(before.url, tested);
  await accepted(before.url, real);
  await before.edge.stop();
  const { edge } = await start(t, { ...bindings, DESTINATIONS }, { storage });
  await edge.scheduled();
  await Promise.all([crm.took(1), lake.took(2)]);
  deepEqual(bodies(crm), [real]);
  const { ask, until, ids } = admin(edge);
  const oldest = (await ids()).at(-1);
  await until(oldest, "delivered");
  deepEqual((await ask("POST", `deliveries/${oldest}/redeliver`, { state: "all" })).destinations, ["lake"]);
  equal((await lake.took(3)).body.toString(), tested);
});

test("the destinations of every list receive an event", async (t) => {
  const all = await origins(t, "crm", "lake", "mail");
  const list = (name) => [{ name, url: all[name].url }];
  const { url, edge } = await start(t, {
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    ORIGIN_URL: undefined,
    DESTINATIONS: list("crm"),
    DESTINATIONS_2: JSON.stringify(list("lake")),
    DESTINATIONS_3: list("mail"),
  });
  const body = event();
  await accepted(url, body);
  for (const origin of Object.values(all)) equal((await origin.took(1)).body.toString(), body);
  const { destinations } = await admin(edge).ask("GET", "status");
  deepEqual(destinations.map(({ name }) => name), ["crm", "lake", "mail"]);
});

test("a gap in the lists is a mistake: events are held until it is corrected", async (t) => {
  const { crm, mail } = await origins(t, "crm", "mail");
  const storage = await folder(t);
  const lists = [crm, mail].map(({ url }, n) => [{ name: `d${n}`, url }]);
  const bindings = { ...DURABLE, ADMIN_TOKEN: TOKEN, ORIGIN_URL: undefined, DESTINATIONS: lists[0] };
  const before = await start(t, { ...bindings, DESTINATIONS_3: lists[1] }, { storage });
  const body = event();
  await accepted(before.url, body);
  const { mistakes, deliveries } = await admin(before.edge).ask("GET", "status");
  equal(mistakes.length, 1);
  match(mistakes[0], /^DESTINATIONS_3 is set, but DESTINATIONS_2 is not: /);
  equal(deliveries.held, 1);
  await before.edge.stop();
  const { edge } = await start(t, { ...bindings, DESTINATIONS_2: lists[1] }, { storage });
  await edge.scheduled();
  for (const origin of [crm, mail]) equal((await origin.took(1)).body.toString(), body);
});
