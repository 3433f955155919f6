// The admin API, on a real edge.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { admin, deferred, DURABLE, event, eventually, post, sha256, sign, start, startOrigin, TOKEN } from "./support.mjs";

/** Starts an edge, and returns functions that call it. */
async function edge(t, bindings = {}) {
  const more = typeof bindings === "function" ? bindings : () => bindings;
  const started = await start(t, (origin) => ({ ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1", ...more(origin) }));
  return { ...started, ...admin(started.edge) };
}

const letFail = (origin) => (origin.answer = (_, response) => response.writeHead(500).end());
const letAccept = (origin) => (origin.answer = (_, response) => response.end());

for (const [how, bindings] of Object.entries({ "without ADMIN_TOKEN": { ADMIN_TOKEN: undefined }, "with MODE=direct": { MODE: "direct" } })) {
  test(`${how}, every path under /admin is not found`, async (t) => {
    const { ask } = await edge(t, bindings);
    for (const path of ["", "page.js", "deliveries", "status"]) equal((await ask("GET", path)).code, "not_found");
  });
}

test("rejects requests without the token or with another one", async (t) => {
  const { ask } = await edge(t);
  for (const token of ["", "x", `${TOKEN}x`, TOKEN.slice(1)]) {
    for (const [method, path] of [["GET", "deliveries"], ["GET", "status"], ["GET", "metrics"], ["POST", "erase"], ["DELETE", "deliveries/0-1"], ["GET", "none"]]) {
      const { status, code } = await ask(method, path, undefined, token);
      deepEqual([status, code], [401, "unauthorized"]);
    }
  }
});

test("sends X-Content-Type-Options: nosniff with each response", async (t) => {
  const { edge: at } = await edge(t);
  for (const path of ["status", "deliveries", "deliveries/0-99", "metrics", "page.js"]) {
    const response = await fetch(`${at.url}/admin/${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
    await response.text();
    equal(response.headers.get("x-content-type-options"), "nosniff", path);
  }
});

test("answers 400 to an invalid request, and 404 to an unknown path or delivery", async (t) => {
  const { ask } = await edge(t);
  for (const query of ["limit=0", "limit=201", "limit=x", "limit=%2B5", "state=lost", "since=yesterday", "since=%2B5", "until=", "cursor=1", "cursor=1.2.3", "cursor=%2B1.0", "cursor=9007199254740992.0", "order=up"]) {
    const { status, code } = await ask("GET", `deliveries?${query}`);
    deepEqual([query, status, code], [query, 400, "invalid_request"]);
  }
  for (const [path, body] of [["redeliver", { since: "yesterday" }], ["redeliver", { since: 1, until: 2, destination: "nowhere" }], ["erase", {}], ["erase", { email: "x" }], ["erase", { email: "a@b", cursor: 3 }], ["erase", []]]) {
    equal((await ask("POST", path, body)).code, "invalid_request", JSON.stringify(body));
  }
  for (const path of ["deliveries/0-99", "deliveries/9-1", "deliveries/0-%2B1", "deliveries/0-+1", "deliveries/x", "deliveries/0-1/more", "else"]) {
    equal((await ask("GET", path)).code, "not_found", path);
  }
  equal((await ask("PUT", "deliveries/0-1")).code, "method_not_allowed");
  const needsDeliveryId = "the address needs a deliveryId: POST /admin/search finds the delivery by its id";
  for (const [id, message] of [["demo_session_finished:1", needsDeliveryId], ["0-99", "no delivery has this deliveryId"], ["9-1", "no delivery has this deliveryId"]]) {
    for (const [method, path] of [["GET", ""], ["GET", "/body"], ["POST", "/redeliver"], ["DELETE", ""]]) {
      const { status, error } = await ask(method, `deliveries/${id}${path}`);
      deepEqual([status, error], [404, { code: "not_found", message }], `${method} ${id}${path}`);
    }
  }
});

test("rejects an unknown or repeated field or parameter, and suggests the right name", async (t) => {
  const { url, ask, ids, until } = await edge(t);
  await post(url, event());
  const [id] = await ids();
  await until(id, "delivered");
  const message = async (method, path, body) => {
    const { status, code, error } = await ask(method, path, body);
    deepEqual([status, code], [400, "invalid_request"], `${path} ${JSON.stringify(body)}`);
    return error.message;
  };
  for (const [path, body, meant] of [
    ["redeliver", { destinaton: "origin", since: 0 }, "destination"],
    ["redeliver", { sinse: 0 }, "since"],
    [`deliveries/${id}/redeliver`, { State: "all" }, "state"],
    ["search", { id: "x", sessionid: "x" }, "session_id"],
    ["erase", { email: "a@b.example", cursr: null }, "cursor"],
  ]) {
    equal(await message("POST", path, body), `the body has an unknown field: did you mean ${meant}?`);
  }
  equal(await message("POST", `deliveries/${id}/redeliver`, { since: 0 }), "the body has an unknown field: use destination, state");
  equal((await ask("GET", `deliveries/${id}`)).attempts.length, 1);

  for (const body of [{ destination: 3 }, { state: ["all"] }, { from: {}, destination: "origin" }, { since: true }, { until: "" }]) await message("POST", "redeliver", body);
  equal(await message("POST", "redeliver", { destination: "orgin" }), "destination: no destination has this name: did you mean origin?");
  equal(await message("POST", `deliveries/${id}/redeliver`, { destination: "crm" }), "destination: no destination has this name: use origin");

  equal(await message("GET", "deliveries?limt=5"), "there is no such parameter: did you mean limit?");
  equal(await message("GET", "deliveries?limit=5&limit=6"), "limit must be given only once");
  equal(await message("GET", "rejected?state=dead"), "there is no such parameter: use limit, cursor, name, since, until");
  equal(await message("GET", "rejected?cursor=1&cursor=2"), "cursor must be given only once");
  equal(await message("GET", "export?since=1&since=2"), "since must be given only once");
  equal(await message("GET", "export?until=1"), "since is required: deliveries are exported from this time");
  equal(await message("GET", "deliveries?wait=25"), "wait must be a number of seconds with its unit, up to 25s");
});

test("accepts a request body of up to 64 KiB, and answers an incomplete one with its code", { timeout: 600_000 }, async (t) => {
  const { ask, edge: at } = await edge(t);
  const padded = (length) => ({ email: "a@b.example" + " ".repeat(length - '{"email":"a@b.example"}'.length) });
  equal((await ask("POST", "erase", padded(65_536))).status, 200);
  const { status, code } = await ask("POST", "erase", padded(65_537));
  deepEqual([status, code], [413, "body_too_large"]);

  const { host, hostname, port } = new URL(at.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.write(`POST /admin/erase HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`);
  let answer = "";
  for await (const piece of socket) answer += piece;
  match(answer, /^HTTP\/1\.1 408 .*"code":"body_timeout"/s);
});

test("shows a delivery completely, and lists it without personal data", async (t) => {
  const { url, ask, until, ids, edge: at } = await edge(t);
  const body = event({ padding: "é" });
  await post(url, body, { "x-walnut-signature": sign(body), "content-type": "application/json" });
  const [id] = await ids();
  const one = await until(id, "delivered");
  equal(one.body.text, body);
  equal(one.signature, sign(body));
  equal(one.contentType, "application/json");
  deepEqual([one.kind, one.type, one.signedWith, one.duplicates, one.size], ["first", "demo_session_finished", "current", 0, Buffer.byteLength(body)]);
  deepEqual(one.sends, [{ destination: "origin", state: "delivered", reason: null, attempts: 1, due: null }]);
  deepEqual(one.attempts.map(({ destination, status, code }) => ({ destination, status, code })), [{ destination: "origin", status: 200, code: null }]);
  const raw = await fetch(`${at.url}/admin/deliveries/${id}/body`, { headers: { authorization: `Bearer ${TOKEN}` } });
  equal(sha256(Buffer.from(await raw.arrayBuffer())), sha256(body));
  match(raw.headers.get("content-disposition"), /attachment/);
  const { email } = JSON.parse(body).data.user;
  ok(!JSON.stringify(await ask("GET", "deliveries")).includes(email));
});

test("lists deliveries of all shards, the newest first, by cursor, state, name and time", async (t) => {
  const { url, ask, ids } = await edge(t, { SHARDS: "3" });
  for (let n = 0; n < 12; n++) equal((await post(url, event(n % 3 ? {} : { event: "other" }))).status, 200);
  const all = await ids("?limit=200");
  equal(new Set(all).size, 12);
  const paged = [];
  for (let cursor = null; cursor !== undefined; ) {
    const page = await ask("GET", `deliveries?limit=5${cursor ? `&cursor=${cursor}` : ""}`);
    paged.push(...page.deliveries);
    cursor = page.cursor ?? undefined;
  }
  deepEqual(paged.map(({ deliveryId }) => deliveryId), all);
  const times = paged.map(({ received }) => received);
  deepEqual(times, [...times].sort((one, other) => other - one));
  equal((await ids("?name=other")).length, 4);
  equal((await ids(`?since=${times[3]}`)).length, times.filter((time) => time >= times[3]).length);
  equal((await ids(`?until=${new Date(times[3]).toISOString()}`)).length, times.filter((time) => time < times[3]).length);
  equal((await ids("?state=dead")).length, 0);
});

test("shows a delivery as dead for one destination while it is pending for another", async (t) => {
  const mail = await startOrigin();
  t.after(mail.stop);
  const { url, origin, ask, until, ids, logged } = await edge(t, (crm) => ({
    ORIGIN_URL: undefined,
    MAX_ATTEMPTS: "2",
    DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url }, { name: "mail", url: mail.url }]),
  }));
  letFail(origin);
  mail.answer = (_, response) => response.writeHead(503, { "retry-after": "3000" }).end();
  const body = event();
  equal((await post(url, body)).status, 200);
  const { reasons } = JSON.parse(await logged('"dead"', JSON.parse(body).data.session_id));
  deepEqual(reasons, { crm: "max_attempts" });
  const [id] = await ids("?state=dead");
  equal((await until(id, "pending")).sends.find(({ destination }) => destination === "mail").state, "pending");
  const { deliveries, destinations } = await ask("GET", "status");
  deepEqual([deliveries.dead, deliveries.pending], [1, 1]);
  deepEqual(destinations.map(({ name, pending }) => [name, pending]), [["crm", 0], ["mail", 1]]);
  letAccept(origin);
  deepEqual((await ask("POST", "redeliver", { since: 0, until: Date.now() + 1, destination: "crm" })).redelivered, 1);
  equal((await origin.took(3)).body.toString(), body);
  await eventually(async () => (await ids("?state=dead")).length === 0);
});

test("logs a dead delivery once for each destination", async (t) => {
  const mail = await startOrigin();
  t.after(mail.stop);
  const { url, origin, lines, logged } = await edge(t, (crm) => ({
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url }, { name: "mail", url: mail.url }]),
  }));
  const held = deferred();
  letFail(origin);
  mail.answer = async (_, response) => {
    await held.promise;
    response.writeHead(500).end();
  };
  equal((await post(url, event())).status, 200);
  await logged('"dead"', '"crm"');
  held.resolve();
  await logged('"dead"', '"mail"');
  const dead = lines.map((line) => JSON.parse(line)).filter((line) => line.event === "dead");
  deepEqual(dead.map(({ reasons }) => reasons), [{ crm: "max_attempts" }, { mail: "max_attempts" }]);
});

test("redelivers 501 dead deliveries by one request", async (t) => {
  const { url, origin, ask } = await edge(t);
  letFail(origin);
  const bodies = Array.from({ length: 501 }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  await eventually(async () => (await ask("GET", "status")).deliveries.dead >= bodies.length);
  letAccept(origin);
  equal((await ask("POST", "redeliver", { since: 0, until: Date.now() + 1 })).redelivered, bodies.length);
  await eventually(async () => (await ask("GET", "status")).deliveries.delivered >= bodies.length);
});

test("an erasure searches 8 MiB in one call, and then continues", async (t) => {
  const { url, ask } = await edge(t);
  const email = "jane@example.com";
  for (let n = 0; n < 10; n++) equal((await post(url, event({ email, padding: "x".repeat(1_047_000) }))).status, 200);
  const calls = [];
  for (let cursor; cursor !== null; ) {
    const answer = await ask("POST", "erase", { email: ` ${email}`, ...(cursor && { cursor }) });
    calls.push(answer.erased);
    ({ cursor } = answer);
  }
  deepEqual(calls, [9, 1]);
  equal((await ask("GET", "status")).deliveries.erased, 10);
});

test("an untried delivery is pending, and a hanging request does not stop retention", async (t) => {
  const mail = await startOrigin();
  t.after(mail.stop);
  mail.answer = () => {};
  const { url, ask } = await edge(t, (crm) => ({
    ORIGIN_URL: undefined,
    RETENTION: "1s",
    DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url, events: ["demo_session_finished"] }, { name: "mail", url: mail.url, events: ["other"] }]),
  }));
  equal((await post(url, event({ event: "other" }))).status, 200);
  await mail.took(1);
  const { destinations } = await ask("GET", "status");
  deepEqual(destinations.map(({ name, pending }) => [name, pending]), [["crm", 0], ["mail", 1]]);
  // More than one run of the retention handles.
  const bodies = Array.from({ length: 250 }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  await eventually(async () => (await ask("GET", "status")).deliveries.forgotten >= bodies.length);
  equal(mail.now, 1, "the request still hangs");
});

test("redelivers one dead delivery or all of a period, to one destination or all", async (t) => {
  const mail = await startOrigin();
  t.after(mail.stop);
  const { url, origin, ask, until, ids } = await edge(t, (crm) => ({
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "crm", url: crm.url }, { name: "mail", url: mail.url }]),
  }));
  letFail(origin);
  for (let n = 0; n < 3; n++) await post(url, event());
  const dead = await ids();
  for (const id of dead) await until(id, "dead");
  equal((await ids("?state=dead")).length, 3);
  letAccept(origin);
  deepEqual((await ask("POST", `deliveries/${dead[0]}/redeliver`, { destination: "crm" })).destinations, ["crm"]);
  await until(dead[0], "delivered");
  equal(mail.taken.length, 3);
  deepEqual((await ask("POST", `deliveries/${dead[0]}/redeliver`, { state: "all" })).destinations, ["crm", "mail"]);
  await mail.took(4);
  equal((await ask("POST", "redeliver", { since: 0, until: Date.now() + 1, destination: "mail" })).redelivered, 0);
  equal((await ask("POST", "redeliver", { since: 0, until: Date.now() + 1 })).redelivered, 2);
  for (const id of dead) await until(id, "delivered");
  equal(mail.taken.length, 4);
});

test("removes an erased delivery, and remembers its id", async (t) => {
  const { url, origin, ask, until, ids } = await edge(t);
  const user = { email: "Ann@Example.com" };
  const data = (body) => JSON.stringify({ ...JSON.parse(body), note: user });
  const bodies = [data(event()), event(), data(event())];
  for (const body of bodies) await post(url, body);
  const all = await ids();
  for (const id of all) await until(id, "delivered");
  deepEqual((await ask("POST", "erase", { email: "ann@example.com" })).erased, 2);
  equal((await ids("?state=erased")).length, 2);
  const [gone] = await ids("?state=erased");
  const one = await ask("GET", `deliveries/${gone}`);
  deepEqual([one.body, one.name, one.signature, one.sends, one.attempts], [null, null, null, [], []]);
  equal((await ask("POST", `deliveries/${gone}/redeliver`)).code, "forgotten");
  for (const body of bodies) equal((await post(url, body)).status, 200);
  equal(origin.taken.length, 3);
  equal((await ask("GET", "status")).duplicates, 3);
  const [left] = await ids("?state=delivered");
  equal((await ask("DELETE", `deliveries/${left}`)).erased, 1);
  equal((await ask("DELETE", `deliveries/${left}`)).erased, 0);
});

test("does not accept an erased test event again", async (t) => {
  const { url, origin, ask, until, ids } = await edge(t);
  const test = (message) => JSON.stringify({ is_test: true, message });
  // For one event, the first delivery is erased; for the other, the repeat.
  for (const [body, age] of [[test("one"), 1], [test("other"), 0]]) {
    for (let n = 0; n < 2; n++) equal((await post(url, body)).status, 200);
    const all = await ids("?limit=2");
    for (const id of all) await until(id, "delivered");
    equal((await ask("DELETE", `deliveries/${all[age]}`)).erased, 1);
    equal((await post(url, body)).status, 200);
  }
  equal((await ids()).length, 4);
  equal((await ask("GET", "status")).duplicates, 2);
  equal(origin.taken.length, 4);
});

test("forgets a body after RETENTION", async (t) => {
  const { url, until, ids, ask } = await edge(t, { RETENTION: "1s" });
  await post(url, event());
  const [id] = await ids();
  await until(id, "forgotten");
  equal((await ask("GET", `deliveries/${id}`)).body, null);
});

test("status and metrics show the state of the edge", async (t) => {
  const { url, origin, ask, until, ids, logged, edge: at } = await edge(t, { WALNUT_WEBHOOK_KEY_PREVIOUS: "before", WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 3_600_000).toISOString() });
  letFail(origin);
  const body = event();
  await post(url, body, { "x-walnut-signature": sign(body, "before") });
  equal((await post(url, body, { "x-walnut-signature": "0".repeat(64) })).status, 401);
  const [id] = await ids();
  await until(id, "dead");
  await eventually(async () => (await ask("GET", "status")).failures.signature_mismatch === 1);
  const status = await ask("GET", "status");
  deepEqual(status.deliveries, { held: 0, pending: 0, delivered: 0, dead: 1, unrouted: 0, variant: 0, forgotten: 0, erased: 0 });
  equal(status.keys.current, null);
  ok(status.keys.previous > 0 && status.keys.previousUntil > Date.now());
  deepEqual(status.keys.warnings, ["only_previous", "previous_ends_soon"]);
  ok(await logged('"keys"', '"previous_ends_soon"'));
  const [{ name, pending, lastTaken, lastFailed, lastCode }] = status.destinations;
  deepEqual([name, pending, lastTaken, lastCode], ["origin", 0, null, "origin_failed"]);
  ok(lastFailed > 0 && status.lastReceived > 0 && status.bytes > 0);
  const { pausedSince } = await ask("POST", "destinations/origin/pause");
  const metrics = await fetch(`${at.url}/admin/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const text = await metrics.text();
  match(metrics.headers.get("content-type"), /^application\/openmetrics-text/);
  match(text, /^walnut_deliveries\{state="dead"\} 1$/m);
  const { failingSince } = status.destinations[0];
  for (const [name, at] of [["failing", failingSince], ["paused", pausedSince]]) {
    ok(text.includes(`\nwalnut_${name}_since_timestamp_seconds{destination="origin"} ${Math.floor(at / 1000)}\n`), name);
  }
  match(text, /^walnut_refused_total\{code="signature_mismatch"\} 1$/m);
  ok(text.endsWith("\n# EOF\n"));
});
