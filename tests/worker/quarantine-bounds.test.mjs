// The bounds of the quarantine, on both sides of each.
import { equal } from "node:assert/strict";
import { test } from "node:test";
import {
  address, ALL, DAY, each, edge, forge, FORGED, forgeFromMany, HALF, hasRoomFor, HOUR, isFullFor, MINUTE, NEW_KEY, quarantine, sized, TENTH, tiny, WALNUT,
} from "./quarantine.mjs";
import { event, eventually, post } from "./support.mjs";

const KIB = 1024;
const LARGEST = 64 * KIB;
test("does not keep a body that can't be an event of Walnut", async (t) => {
  const world = await edge(t);
  const not = ["", "garbage", "[]", '[{"event":"x"}]', "null", '"event"', "{}", '{"event":1}', '{"event":null}', '{"event":["x"]}', '{"Event":"x"}', '{"data":{"event":"x"}}', '{"event":"x"} x', '{"event":"x"', '\ufeff{"event":"x"}'];
  for (const body of not) equal((await world.send(body)).code, "signature_mismatch", body);
  await post(world.url, Buffer.from('{"event":"\xff"}', "latin1"), { "x-walnut-signature": "0".repeat(64) });
  for (const signature of ["x", "0".repeat(63), "A".repeat(64)]) {
    equal((await post(world.url, event(), { "x-walnut-signature": signature })).code, "malformed_signature");
  }
  equal((await post(world.url, event(), {})).code, "missing_signature");
  const is = ['{"event":""}', ' {"event":"x"}\n', '{"event":1,"event":"x"}', event({ event: "a new event" })];
  for (const body of is) equal((await world.send(body)).code, "signature_mismatch", body);
  await world.holds({ kept: is.length, bytes: Buffer.byteLength(is.join("")) });
});

test("keeps a body of 64 KiB, and no longer one", async (t) => {
  const world = await edge(t);
  for (const size of [LARGEST + 1, LARGEST]) equal((await world.send(sized(size))).code, "signature_mismatch");
  await world.holds({ kept: 1, bytes: LARGEST });
  const chunked = new Blob([sized(LARGEST + 1)]).stream();
  await fetch(world.url, { method: "POST", body: chunked, duplex: "half", headers: { "x-walnut-signature": "0".repeat(64) } });
  equal((await world.send(tiny())).code, "signature_mismatch");
  await world.holds({ kept: 2 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 2 });
});

test("keeps one of several equal requests", async (t) => {
  const world = await edge(t);
  const body = event();
  await world.send(body);
  await world.holds({ kept: 1 });
  const [{ received }] = await world.rejected();
  for (const ip of [WALNUT, address(1)]) await world.send(body, { ip });
  await world.reset();
  await world.send(body, { ip: address(2) });
  // The same body, signed with another key, is another request.
  await world.send(body, { key: FORGED });
  await world.holds({ kept: 2, bytes: 2 * Buffer.byteLength(body), dropped: 0 });
  equal((await world.rejected()).at(-1).received, received);
});

test("a network without genuine events has a tenth of the bodies", async (t) => {
  const world = await edge(t);
  await forge(world, TENTH.bodies + 20, { ip: address(1) });
  await isFullFor(world, address(1), TENTH.bodies);
  await hasRoomFor(world, address(2), TENTH.bodies);
});

test("an isolate does not ask again for a minute for a network without room", async (t) => {
  const world = await edge(t);
  const asked = async () => (await fetch(`${world.edge.url}/asked`)).json();
  await forge(world, TENTH.bodies, { ip: address(1) });
  await world.holds({ kept: TENTH.bodies });
  await world.send(tiny(), { key: FORGED, ip: address(1, 2) });
  await world.stays(TENTH.bodies);
  const before = await asked();
  await forge(world, 100, { ip: address(1) });
  equal(await asked(), before);
  await world.pass(MINUTE);
  const later = await asked();
  await world.send(tiny(), { key: FORGED, ip: address(1) });
  // One call reports the dropped requests, and one asks again.
  await eventually(async () => (await asked()) >= later + 2);
  await world.holds({ kept: TENTH.bodies, dropped: 101 });
});

/** A Worker that counts how often it asks the inbox to keep a request. */
const COUNTING = `
  import worker, { Inbox } from "./index.js";
  export { Inbox };
  let asked = 0;
  const counting = (stub) => ({
    ask: (version, shard, request) => {
      if ("Keep" in request) asked++;
      return stub.ask(version, shard, request);
    },
    store: (...arrival) => stub.store(...arrival),
  });
  export default {
    fetch: (request, env, context) =>
      new URL(request.url).pathname === "/asked"
        ? Response.json(asked)
        : worker.fetch(request, { ...env, INBOX: { getByName: (name) => counting(env.INBOX.getByName(name)) } }, context),
  };
`;

test("an isolate asks the inbox to keep only one of several equal requests", async (t) => {
  const world = await quarantine(t, {}, { entry: COUNTING });
  const asked = async () => (await fetch(`${world.edge.url}/asked`)).json();
  const [one, other] = [tiny(), tiny()];
  await world.send(one, { key: FORGED });
  await world.holds({ kept: 1 });
  await each(Array.from({ length: 50 }), async () => equal((await world.send(one, { key: FORGED })).code, "signature_mismatch"));
  await world.stays(1);
  equal(await asked(), 1);
  await world.send(other, { key: FORGED });
  await world.holds({ kept: 2 });
  equal(await asked(), 2);
});

test("a network without room does not block another one", async (t) => {
  const world = await edge(t);
  await forge(world, TENTH.bodies, { ip: address(1) });
  await world.holds({ kept: TENTH.bodies });
  await world.send(tiny(), { key: FORGED, ip: address(1) });
  await world.stays(TENTH.bodies);
  // Within the same minute, and in the same isolate.
  await world.send(event(), { ip: address(2) });
  await world.holds({ kept: TENTH.bodies + 1 });
});

test("a network without room does not block a known one", async (t) => {
  const world = await edge(t);
  await forgeFromMany(world, HALF.bodies, 1);
  await world.holds({ kept: HALF.bodies });
  await world.send(tiny(), { key: FORGED, ip: address(100) });
  await world.stays(HALF.bodies);
  await world.send(event());
  await world.holds({ kept: HALF.bodies + 1 });
});

test("a network without genuine events has a tenth of the bytes", async (t) => {
  const world = await edge(t);
  const send = (size) => world.send(sized(size), { ip: address(1) });
  const large = Math.floor(TENTH.bytes / LARGEST);
  for (let n = 0; n < large; n++) await send(LARGEST);
  await world.holds({ kept: large });
  await send(TENTH.bytes - large * LARGEST + 1);
  await world.stays(large);
  await world.reset();
  await send(TENTH.bytes - large * LARGEST);
  await world.holds({ kept: large + 1, bytes: TENTH.bytes });
  await isFullFor(world, address(1), large + 1);
});

test("unknown networks have half of the bodies, and a known one has the rest", async (t) => {
  const world = await edge(t);
  await forgeFromMany(world, HALF.bodies, 1);
  await isFullFor(world, address(100), HALF.bodies);
  await forge(world, ALL.bodies - HALF.bodies - 1, { ip: WALNUT });
  await world.holds({ kept: ALL.bodies - 1 });
  equal(await hasRoomFor(world, WALNUT, ALL.bodies - 1), ALL.bodies);
  await isFullFor(world, WALNUT, ALL.bodies);
});

test("unknown networks have half of the bytes, and a known one has the rest", async (t) => {
  const world = await edge(t);
  const fill = (bytes, network) =>
    each(Array.from({ length: bytes / LARGEST }), async (_, n) => {
      const ip = network === undefined ? WALNUT : address(network + Math.floor(n / 12));
      equal((await world.send(sized(LARGEST), { ip })).code, "signature_mismatch");
    });
  await fill(HALF.bytes, 1);
  const { quarantine: half } = await world.holds({ bytes: HALF.bytes });
  await isFullFor(world, address(100), half.kept);
  await fill(ALL.bytes - HALF.bytes, undefined);
  const { quarantine: all } = await world.holds({ bytes: ALL.bytes });
  await isFullFor(world, WALNUT, all.kept);
});

test("a known network may have all of the room", async (t) => {
  const world = await edge(t);
  await forge(world, ALL.bodies, { ip: WALNUT });
  await isFullFor(world, WALNUT, ALL.bodies);
  await isFullFor(world, address(1), ALL.bodies);
});

/** Erases all kept requests. That frees room, but does not change the number of requests kept on this day. */
async function empty(world) {
  for (const { id } of await world.rejected()) await world.ask("DELETE", `rejected/${id}`);
  await world.holds({ kept: 0 });
}

test("in 24 hours 1,200 bodies are kept", { timeout: 600_000 }, async (t) => {
  const world = await edge(t);
  await forge(world, 900, { ip: WALNUT });
  await world.holds({ kept: 900 });
  await empty(world);
  await forge(world, 300, { ip: WALNUT });
  await isFullFor(world, WALNUT, 300);
  await isFullFor(world, address(1), 300);
  await world.pass(DAY - HOUR);
  await isFullFor(world, WALNUT, 300);
  await world.pass(HOUR);
  await hasRoomFor(world, WALNUT, 300);
  await hasRoomFor(world, address(1), 301);
});

test("in 24 hours 600 bodies of unknown networks are kept, and the rest is reserved", { timeout: 600_000 }, async (t) => {
  const world = await edge(t);
  await forgeFromMany(world, HALF.bodies, 1);
  await world.holds({ kept: HALF.bodies });
  await empty(world);
  await forgeFromMany(world, 100, 1);
  await isFullFor(world, address(100), 100);
  await hasRoomFor(world, WALNUT, 100);
});

test("removes kept requests after 48 hours", async (t) => {
  const world = await edge(t);
  await world.send(event());
  await world.holds({ kept: 1 });
  await world.pass(48 * HOUR - 60_000);
  await world.stays(1);
  await world.pass(60_000);
  await world.holds({ kept: 0, bytes: 0 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.stays(0);
  equal((await world.ask("GET", "status")).quarantine.recovered, 0);
});

test("does not deliver a kept request after 48 hours, even before the cron trigger removes it", async (t) => {
  const world = await edge(t);
  await world.send(event());
  await world.holds({ kept: 1 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY }, 48 * HOUR);
  // With the new key, any request to the inbox starts an alarm. It comes before the cron trigger removes old requests.
  await world.holds({ kept: 0, recovered: 0 });
  await world.edge.scheduled();
  await world.stays(0);
  equal((await world.ask("GET", "status")).quarantine.recovered, 0);
  equal((await world.ids()).length, 1);
});

for (const [how, bindings] of Object.entries({ "QUARANTINE=0": { QUARANTINE: "0" }, "MODE=direct": { MODE: "direct" } })) {
  test(`with ${how} nothing is kept`, async (t) => {
    const world = await edge(t, bindings);
    for (let n = 0; n < 3; n++) equal((await world.send(event())).code, "signature_mismatch");
    await world.origin.took(1);
    await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY, MODE: undefined, QUARANTINE: undefined });
    await world.edge.scheduled();
    await world.stays(0);
    equal((await world.ids()).length, how === "MODE=direct" ? 0 : 1);
  });
}
