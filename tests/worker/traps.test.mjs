// A trap destroys the whole instance of WebAssembly. It must not strand an accepted event.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { FAILPOINTS_BUILD } from "../../tools/edge.mjs";
import { DURABLE, deferred, event, eventually, post, sign, start } from "./support.mjs";

const edge = (t, bindings) => start(t, { ...DURABLE, ...bindings }, { build: FAILPOINTS_BUILD });

/** Posts a body, and returns the status. After a trap, the answer is not JSON. */
const send = async (url, body, headers = {}) => {
  const response = await fetch(url, { method: "POST", body, headers: { "x-walnut-signature": sign(body), ...headers } });
  await response.arrayBuffer();
  return response.status;
};

test("a trap while an alarm is in flight strands nothing", async (t) => {
  const { url, origin, logged } = await edge(t);
  const held = deferred();
  origin.answer = async (_, response) => {
    await held.promise;
    response.end();
  };
  const first = event();
  equal((await post(url, first)).status, 200);
  await origin.took(1);
  equal(await send(url, event(), { "x-failpoint": "trap" }), 500);
  ok(await logged("inbox_ended"));
  held.resolve();
  const second = event();
  equal((await post(url, second)).status, 200);
  await logged('"delivered"', JSON.parse(first).data.session_id);
  await logged('"delivered"', JSON.parse(second).data.session_id);
});

test("a body that traps while it is sent becomes dead, and the others are delivered", async (t) => {
  const { url, origin, logged, lines } = await edge(t);
  const poison = event({ note: "trap-in-send" });
  const others = [event(), event(), event()];
  equal((await post(url, others[0])).status, 200);
  // The alarm may trap before the answer is sent. Then Walnut sends the event again.
  await eventually(async () => (await send(url, poison)) === 200);
  const dead = JSON.parse(await logged('"dead"'));
  ok(dead.id.endsWith(JSON.parse(poison).data.session_id));
  deepEqual(dead.reasons, { origin: "trapped" });
  for (const body of others.slice(1)) equal((await post(url, body)).status, 200);
  for (const body of others) await logged('"delivered"', JSON.parse(body).data.session_id);
  equal(lines.filter((line) => line.includes("inbox_ended")).length, 2);
  ok(!origin.taken.some(({ body }) => body.toString() === poison));
});

test("a body that traps on arrival is not answered 200, and does not stop others", async (t) => {
  const { url, logged } = await edge(t);
  ok((await send(url, event({ note: "trap-on-arrival" }))) >= 500);
  const body = event();
  await eventually(async () => (await send(url, body)) === 200);
  await logged('"delivered"', JSON.parse(body).data.session_id);
});
