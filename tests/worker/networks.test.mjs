// Networks: the addresses that belong to one network, and the events that make it known. Half of the quarantine's room is
// reserved for known networks.
import { deepEqual, equal } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { address, DAY, each, edge, forge, FORGED, hasRoomFor, HOUR, isFullFor, MINUTE, NEW_KEY, quarantine, TENTH, tiny, WALNUT } from "./quarantine.mjs";
import { event, KEY } from "./support.mjs";

/** Addresses in the network of the first one, and addresses in other networks. */
const NETWORKS = {
  "IPv4 /24": {
    same: ["198.51.100.1", "198.51.100.255", "::ffff:198.51.100.7", "::ffff:c633:6408"],
    other: ["198.51.101.1", "198.51.99.255"],
  },
  "IPv6 /48": {
    same: ["2001:db8:7::1", "2001:db8:7:ffff:ffff:ffff:ffff:ffff", "2001:0DB8:0007:1::"],
    other: ["2001:db8:8::1", "2001:db8:6:ffff::1", "2001:db8::7"],
  },
};

for (const [name, { same, other }] of Object.entries(NETWORKS)) {
  test(`a network is an ${name}`, async (t) => {
    const world = await edge(t);
    await forge(world, TENTH.bodies, { ip: same[0] });
    let kept = TENTH.bodies;
    for (const ip of same) await isFullFor(world, ip, kept);
    for (const ip of other) kept = await hasRoomFor(world, ip, kept);
  });
}

test("reads the address from CLIENT_IP_HEADER, and treats requests without one as one network", async (t) => {
  const world = await quarantine(t, { CLIENT_IP_HEADER: "x-client" });
  const send = (headers) => world.send(tiny(), { key: FORGED, headers });
  await each(Array.from({ length: TENTH.bodies + 10 }), (_, n) => send({ "cf-connecting-ip": address(n) }));
  await world.holds({ kept: TENTH.bodies });
  await world.reset();
  await send({ "x-client": "198.51.100.1" });
  await world.holds({ kept: TENTH.bodies + 1 });
  // A value that is not an address does not make a separate network.
  for (const value of ["unknown", "198.51.100", "198.51.100.256", "2001:db8::g"]) {
    await world.reset();
    await send({ "x-client": value });
    await world.stays(TENTH.bodies + 1);
  }
});

test("uses the last address of a list, which the nearest proxy adds", async (t) => {
  const world = await quarantine(t, { CLIENT_IP_HEADER: "x-forwarded-for" });
  const send = (list) => world.send(tiny(), { key: FORGED, headers: { "x-forwarded-for": list } });
  // A client can write anything before the proxy's address.
  await each(Array.from({ length: TENTH.bodies + 10 }), (_, n) => send(`${address(n)}, 198.51.100.${n}`));
  await world.holds({ kept: TENTH.bodies });
  for (const [list, kept] of [["198.51.100.1", 100], ["198.51.100.1:443", 100], ["203.0.113.1,198.51.100.9", 100], ["198.51.100.1, 203.0.113.1", 101]]) {
    await world.reset();
    await send(list);
    await world.stays(kept);
  }
});

/**
 * Events from a network, and whether they make it known. A known network may use more than a tenth of the room.
 */
const KNOWN = {
  "a genuine event makes it known": { send: (world) => world.genuine(address(1)), known: true },
  "a genuine test event makes it known": { send: (world) => world.genuine(address(1), { is_test: true }), known: true },
  "a genuine event of another host makes it known": { send: (world) => world.genuine(address(1, 77)), known: true },
  "a replayed event does not make it known": {
    send: async (world) => world.send(await world.genuine(), { key: KEY, ip: address(1) }),
    known: false,
  },
  "a replayed test event does not make it known, though it is sent again": {
    send: async (world) => world.send(await world.genuine(WALNUT, { is_test: true }), { key: KEY, ip: address(1) }),
    known: false,
  },
  "a forgery does not make it known": { send: (world) => world.send(event(), { key: FORGED, ip: address(1) }), known: false, forged: 1 },
};

for (const [how, { send, known, forged = 0 }] of Object.entries(KNOWN)) {
  test(`a network: ${how}`, async (t) => {
    const world = await edge(t);
    await send(world);
    await forge(world, TENTH.bodies - forged, { ip: address(1) });
    await world.holds({ kept: TENTH.bodies });
    if (known) await hasRoomFor(world, address(1), TENTH.bodies);
    else await isFullFor(world, address(1), TENTH.bodies);
  });
}

test("a network is known for 30 days after its last genuine event", { timeout: 600_000 }, async (t) => {
  const world = await edge(t);
  const [one, other] = [address(1), address(2)];
  for (const ip of [one, other]) await world.genuine(ip);
  // An isolate reports once a minute.
  await world.pass(MINUTE);
  await world.genuine();
  await world.pass(20 * DAY);
  await world.genuine(other);
  await world.pass(10 * DAY - HOUR);
  await forge(world, TENTH.bodies + 1, { ip: one });
  await world.holds({ kept: TENTH.bodies + 1 });
  await world.pass(3 * DAY);
  await world.holds({ kept: 0 });
  await forge(world, TENTH.bodies, { ip: one });
  await isFullFor(world, one, TENTH.bodies);
  await world.reset();
  await forge(world, TENTH.bodies + 1, { ip: other });
  await world.holds({ kept: 2 * TENTH.bodies + 1 });
});

test("a network whose event was kept and recovered is known", async (t) => {
  const world = await quarantine(t);
  await world.send(event());
  await world.holds({ kept: 1 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  await forge(world, TENTH.bodies, { ip: WALNUT });
  await hasRoomFor(world, WALNUT, TENTH.bodies);
});

test("a network whose replayed event was kept and recovered is not known", async (t) => {
  const world = await quarantine(t, { WALNUT_WEBHOOK_KEY: NEW_KEY });
  const captured = await world.genuine();
  await world.reset({ WALNUT_WEBHOOK_KEY: KEY });
  equal((await world.send(captured, { ip: address(1) })).code, "signature_mismatch");
  await world.holds({ kept: 1 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  await forge(world, TENTH.bodies, { ip: address(1) });
  await isFullFor(world, address(1), TENTH.bodies);
});

test("addresses are not stored", async (t) => {
  const world = await edge(t);
  const ip = "198.51.100.123";
  await world.genuine(ip);
  await world.send(tiny(), { key: FORGED, ip });
  await world.holds({ kept: 1 });
  await world.edge.stop();
  const files = readdirSync(world.storage, { recursive: true }).filter((file) => /\.sqlite/.test(file));
  const leaks = files.filter((file) => /198\.51\.100|192\.0\.2/.test(readFileSync(join(world.storage, file), "latin1")));
  deepEqual(leaks, []);
});
