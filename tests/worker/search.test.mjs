// The search, and the test events and names of demos in the list.
import { deepEqual, equal } from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { admin, DURABLE, event, inShard, post, sha256, start, TOKEN } from "./support.mjs";

const PLAYLIST = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/bodies/playlist.json")));
const playlist = (fields) => JSON.stringify({ ...PLAYLIST, data: { ...PLAYLIST.data, session_id: randomUUID(), ...fields } });
const session = (body) => JSON.parse(body).data.session_id;

async function edge(t, bindings, options) {
  const started = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, ...bindings }, options);
  return { ...started, ...admin(started.edge) };
}

/** A Worker with a shard that answers no request. */
const BROKEN = `
  import worker, { Inbox as Working } from "./index.js";
  export class Inbox extends Working {
    ask(version, shard, request) {
      if (shard === 1) throw new Error("the shard can't be read");
      return super.ask(version, shard, request);
    }
  }
  export default worker;
`;

test("a delivery is found by its id and by the id of its session", async (t) => {
  const { url, ask } = await edge(t, { SHARDS: "3" });
  const demo = event();
  const test = event({ is_test: true });
  const both = playlist({ session_id: session(demo) });
  for (const body of [demo, both, event(), test, test]) equal((await post(url, body)).status, 200);
  const found = async (body) => {
    const { deliveries, cursor, brokenShards } = await ask("POST", "search", body);
    deepEqual([cursor, brokenShards], [null, []]);
    return deliveries.map(({ id, kind }) => [id, kind]);
  };
  const id = `demo_session_finished:${session(demo)}`;
  deepEqual(await found({ id }), [[id, "first"]]);
  deepEqual((await found({ session_id: session(demo) })).sort(), [[id, "first"], [`playlist_session_finished:${session(demo)}`, "first"]]);
  const repeated = `body:${sha256(test)}`;
  deepEqual(await found({ id: repeated }), [[repeated, "repeat"], [repeated, "first"]]);
  deepEqual(await found({ id: "none" }), []);
  const [listed] = (await ask("GET", `deliveries?name=playlist_session_finished`)).deliveries;
  deepEqual((await ask("POST", "search", { id: listed.id })).deliveries, [listed]);
});

test("a search requires exactly one of id, session_id and email", async (t) => {
  const { ask } = await edge(t);
  for (const body of [{}, { id: "x", email: "a@b.example" }, { id: 3 }, { id: "" }, { session_id: [] }, { email: "x" }, { email: "a@b.example", cursor: "0-1" }]) {
    equal((await ask("POST", "search", body)).code, "invalid_request", JSON.stringify(body));
  }
  equal((await ask("GET", "search")).code, "method_not_allowed");
});

test("finds an address in the bodies, the newest first, in 200 bodies of each shard a call", async (t) => {
  const { url, ask, ids } = await edge(t, { SHARDS: "2" });
  const mine = () => event({ user: { email: "Jane@Example.com" } });
  for (const body of [mine(), event({ note: "to=jane%2540example.com" })]) equal((await post(url, body)).status, 200);
  for (let n = 0; n < 450; n++) equal((await post(url, event())).status, 200);
  equal((await post(url, mine())).status, 200);
  const [newest, ...others] = await ids("?limit=200");
  let oldest = others;
  for (let { cursor } = await ask("GET", "deliveries?limit=200"); cursor !== null; ) {
    const page = await ask("GET", `deliveries?limit=200&cursor=${cursor}`);
    oldest = page.deliveries.map(({ deliveryId }) => deliveryId);
    ({ cursor } = page);
  }
  const pages = [];
  for (let cursor; cursor !== null; ) {
    const page = await ask("POST", "search", { email: "jane@example.com", ...(cursor && { cursor }) });
    pages.push(page.deliveries.map(({ deliveryId }) => deliveryId));
    ({ cursor } = page);
  }
  deepEqual(pages[0], [newest]);
  deepEqual(pages.flat(), [newest, ...oldest.slice(-2)]);
  // An erased delivery has an ID, but no body.
  equal((await ask("DELETE", `deliveries/${newest}`)).erased, 1);
  deepEqual((await ask("POST", "search", { email: "jane@example.com" })).deliveries, []);
});

test("finds and erases an address that only the response of a destination contains", async (t) => {
  const { url, origin, ask, ids, until } = await edge(t, { MAX_ATTEMPTS: "1" });
  const email = "jane@example.com";
  for (const answer of [`user ${email} is unknown`, '{"user":"Jane%40Example.com"}', "someone else"]) {
    origin.answer = (_, response) => response.writeHead(422).end(answer);
    equal((await post(url, event())).status, 200);
    await until((await ids("?limit=1"))[0], "dead");
  }
  const [other, ...found] = await ids();
  deepEqual((await ask("POST", "search", { email })).deliveries.map(({ deliveryId }) => deliveryId), found);
  equal((await ask("POST", "erase", { email })).erased, 2);
  deepEqual((await ask("POST", "search", { email })).deliveries, []);
  for (const id of found) deepEqual((await ask("GET", `deliveries/${id}`)).attempts, []);
  equal((await ask("GET", `deliveries/${other}`)).attempts.length, 1);
});

test("a shard that can't be read is named, and the others are searched", async (t) => {
  const { url, ask } = await edge(t, { SHARDS: "3" }, { entry: BROKEN });
  const here = inShard(2, 3);
  for (const body of [here, inShard(1, 3)]) equal((await post(url, body)).status, 200);
  for (const body of [{ session_id: session(here) }, { email: JSON.parse(here).data.user.email }]) {
    const { deliveries, brokenShards } = await ask("POST", "search", body);
    deepEqual([deliveries.map(({ id }) => id), brokenShards], [[`demo_session_finished:${session(here)}`], [1]]);
  }
});

test("the list marks test events, and can leave them out", async (t) => {
  const { url, ask } = await edge(t);
  const [test, real] = [event({ is_test: true }), event()];
  for (const body of [test, real, test]) equal((await post(url, body)).status, 200);
  const marks = async (query = "") => (await ask("GET", `deliveries${query}`)).deliveries.map(({ isTest }) => isTest);
  deepEqual(await marks(), [true, false, true]);
  deepEqual(await marks("?test=true"), [true, true]);
  deepEqual(await marks("?test=false"), [false]);
  for (const query of ["deliveries?test=1", "rejected?test=true"]) equal((await ask("GET", query)).code, "invalid_request");
});

test("the list names the demo or the playlist of an event", async (t) => {
  const { url, ask } = await edge(t);
  const demo = JSON.parse(event()).data;
  const bodies = [
    event({ data: undefined }).replace("{", `{"data":${JSON.stringify({ ...demo, demo: { ...demo.demo, name: "Ä <b>\u0000" } })},`),
    playlist({ playlist: { ...PLAYLIST.data.playlist, name: "For Ann" } }),
    playlist({ playlist: { name: null } }),
    event({ event: "other" }),
    "not JSON",
    event({ padding: "x".repeat(8000) }),
    event({ padding: "x".repeat(65_536) }),
    playlist({ playlist: { ...PLAYLIST.data.playlist, name: "For jane@example.com" } }),
  ];
  for (const body of bodies) equal((await post(url, body)).status, 200);
  const { deliveries } = await ask("GET", "deliveries");
  const names = deliveries.reverse().map(({ demoName }) => demoName);
  deepEqual(names, ["Ä <b>\u0000", "For Ann", null, null, null, demo.demo.name, null, null]);
  const { deliveryId } = deliveries[1];
  equal((await ask("GET", `deliveries/${deliveryId}`)).demoName, "For Ann");
  await ask("DELETE", `deliveries/${deliveryId}`);
  equal((await ask("GET", `deliveries/${deliveryId}`)).demoName, null);
});
