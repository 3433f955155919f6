// The export of stored deliveries.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, inShard, post, sign, start, TOKEN } from "./support.mjs";

const authorization = `Bearer ${TOKEN}`;

/** A Worker that logs the length of each part of an export. If `fails`, shard 1 can't be read. */
const logging = (fails = false) => `
  import worker, { Inbox as Working } from "./index.js";
  export class Inbox extends Working {
    ask(version, shard, request) {
      if (!request.Export) return super.ask(version, shard, request);
      if (shard === 1 && ${fails}) throw new Error("the shard can't be read");
      const part = super.ask(version, shard, request);
      console.log("part " + part.lines.length);
      return part;
    }
  }
  export default worker;
`;

async function edge(t, bindings, options) {
  const started = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, ...bindings }, options);
  const request = (query, init) => fetch(`${started.edge.url}/admin/export${query}`, { headers: { authorization }, ...init });
  const exported = async (query) => (await (await request(query)).text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return { ...started, ...admin(started.edge), request, exported };
}

test("an export has the bytes of each delivery, the oldest first in each shard", async (t) => {
  const { url, ask, ids, until, request, exported } = await edge(t, { SHARDS: "2" });
  const bodies = Array.from({ length: 1100 }, (_, n) => event(n % 100 ? {} : { event: "other", padding: "é".repeat(4000) }));
  const odd = Buffer.from([0xff, 0x00, 0x0a, 0x22]);
  const test = event({ is_test: true });
  for (const body of [...bodies, odd, test]) equal((await post(url, body, { "x-walnut-signature": sign(body), "content-type": "text/plain" })).status, 200);
  const [last] = await ids("?limit=1");
  await until(last, "delivered");

  const response = await request("?since=0");
  deepEqual([response.status, response.headers.get("content-type"), response.headers.get("cache-control")], [200, "application/x-ndjson", "no-store"]);
  await response.body.cancel();
  const all = await exported("?since=0");
  equal(all.length, 1102);
  deepEqual(all.map(({ bodyBase64 }) => bodyBase64).sort(), [...bodies, odd, test].map((body) => Buffer.from(body).toString("base64")).sort());
  for (const { bodyBase64, signature } of all) equal(signature, sign(Buffer.from(bodyBase64, "base64")));
  const times = all.map(({ receivedAt }) => receivedAt);
  equal(times.filter((time, at) => time < times[at - 1]).length, 1, "the second shard begins once");
  const one = all.find(({ isTest }) => isTest);
  const { id, name, received } = (await ask("GET", `deliveries/${last}`));
  deepEqual({ ...one, bodyBase64: undefined }, { id, name, receivedAt: received, isTest: true, signature: sign(test), bodyBase64: undefined, destinations: ["origin"] });
  equal(all.find(({ signature }) => signature === sign(odd)).name, null);

  // A period, without erased deliveries.
  equal((await ask("DELETE", `deliveries/${last}`)).erased, 1);
  equal((await exported("?since=0")).length, 1101);
  const [since, until_] = [times[10], times[20]];
  const within = times.filter((time) => time >= since && time < until_);
  equal((await exported(`?since=${since}&until=${until_}`)).length, within.length);
  equal((await exported(`?since=${new Date(Date.now() + 60_000).toISOString()}`)).length, 0);
});

test("an export requires since, and accepts no other parameter than until", async (t) => {
  const { ask } = await edge(t);
  for (const query of ["", "?until=1", "?since=x", "?since=1&until=x", "?since=1&limit=5"]) {
    equal((await ask("GET", `export${query}`)).code, "invalid_request", query);
  }
  equal((await ask("POST", "export?since=1")).code, "method_not_allowed");
  equal((await ask("GET", "export?since=0", undefined, "wrong")).code, "unauthorized");
});

test("an export reads a few large bodies at a time, as the client receives them, and stops when it disconnects", async (t) => {
  const { url, lines, request, exported } = await edge(t, { SHARDS: "1" }, { entry: logging() });
  const parts = () => lines.filter((line) => line.startsWith("part ")).map((line) => Number(line.slice(5)));
  for (let n = 0; n < 48; n++) equal((await post(url, event({ padding: "x".repeat(1_000_000) }))).status, 200);

  const reader = (await request("?since=0")).body.getReader();
  equal((await reader.read()).done, false);
  // During the second export, the first one would continue if it did not wait for its client.
  equal((await exported("?since=0")).length, 48);
  const unread = parts();
  ok(unread.every((length) => length < 1_500_000), `parts of ${unread}`);
  ok(unread.length > 48 && unread.length < 48 + 24, `${unread.length} parts`);
  await reader.cancel();
  equal((await exported("?since=0")).length, 48);
  ok(parts().length < 2 * 48 + 24, `${parts().length} parts`);
});

test("a line for a shard that can't be read ends the export of the others", async (t) => {
  const { url, exported } = await edge(t, { SHARDS: "3" }, { entry: logging(true) });
  const bodies = [0, 1, 2].map((shard) => inShard(shard, 3));
  for (const body of bodies) equal((await post(url, body)).status, 200);
  const all = await exported("?since=0");
  deepEqual(all.map(({ signature }) => signature), [sign(bodies[0]), sign(bodies[2]), undefined]);
  deepEqual(all[2], { error: { code: "inbox_failed", shard: 1 } });
});
