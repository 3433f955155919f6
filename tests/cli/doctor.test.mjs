// Runs doctor against endpoints with known faults: it must find these faults and no others.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, test } from "node:test";
import { report } from "../../pkg-cli/doctor/report.js";
import { freePort, KEY as EXAMPLE_KEY, root, serve } from "../examples/support.mjs";
import { endpoint, KEY } from "./endpoints/faulty.mjs";
import { parsedBefore, rawEndpoint } from "./endpoints/parsed.mjs";
import { environment } from "./support.mjs";

const program = join(root, "pkg-cli/main.js");
const limits = { timeout: 600_000 };

/** Runs the command to its end. It calls `started` with the process. */
async function doctor(args, { key = KEY, started = () => {} } = {}) {
  const child = spawn(process.execPath, [program, "doctor", ...args], { env: environment({ WALNUT_WEBHOOK_KEY: key }) });
  const text = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (piece) => (text.out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece) => (text.err += piece));
  started(child);
  const [code] = await once(child, "close");
  assert.doesNotMatch(text.out + text.err, /^\s+at |node:internal/m, "a stack is never shown");
  return { code, ...text };
}

/** Starts a server that ends with the test; returns the URL of its webhook. */
async function listening(t, server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${server.address().port}/webhook`;
}

/** Much longer than the endpoints wait for a body, even on a busy machine. */
const ENOUGH = ["--patience", "2m"];
/** For endpoints that never answer the stalling client. */
const QUICK = ["--patience", "500ms"];

/** Runs the command with --json. `found` maps each finding to its probes, and `verdicts` each probe to its verdict. */
async function examine(url, options = ENOUGH, settings = {}) {
  const { code, out, err } = await doctor([url, "--json", ...options], settings);
  assert.equal(err, "");
  const { probes, findings } = JSON.parse(out);
  return {
    code,
    probes: Object.fromEntries(probes.map(({ id, ...probe }) => [id, probe])),
    verdicts: Object.fromEntries(probes.map(({ id, verdict }) => [id, verdict])),
    found: Object.fromEntries(findings.map(({ code, probes }) => [code, probes])),
    first: findings[0],
    fixes: Object.fromEntries(findings.map(({ code, fix }) => [code, fix])),
    text: out,
  };
}

const GENUINE = ["good_delivery", "duplicate", "pretty_printed", "escaped_characters", "unknown_event"];
const LARGE = ["large_200_kb", "large_1_mib"];
const FORGED = ["forged_signature", "changed_body", "missing_signature", "empty_signature"];
const ODD = ["uppercase_signature", "several_signatures"];
const ALL = [...GENUINE, ...LARGE, "oversized_4_mib", ...FORGED, ...ODD, "slow_client"];
const all = (verdict, probes = ALL) => Object.fromEntries(probes.map((id) => [id, verdict]));

const answering = (status, headers = {}) => (response) => response.writeHead(status, headers).end();
const rejectsDuplicates = () => {
  const bodies = new Set();
  return (response, body) => {
    response.writeHead(bodies.has(`${body}`) ? 409 : 201).end();
    bodies.add(`${body}`);
  };
};

const faults = {
  "does everything right": [{}, {}],
  "accepts everything": [
    { matches: () => true },
    { forgery_accepted: FORGED, uppercase_accepted: ["uppercase_signature"], several_accepted: ["several_signatures"] },
  ],
  "accepts requests without a signature": [{ matches: (right, header) => !header || right === header }, { forgery_accepted: ["missing_signature", "empty_signature"] }],
  "checks only the length of the signature": [{ matches: (right, header) => right.length === header?.length },
    { forgery_accepted: ["forged_signature", "changed_body"], uppercase_accepted: ["uppercase_signature"] }],
  "answers 204": [{ accept: answering(204) }, { success_not_taken: [...GENUINE, ...LARGE] }],
  "answers 302": [{ accept: answering(302, { location: "/elsewhere" }) }, { redirected: [...GENUINE, ...LARGE] }],
  "verifies JSON that was serialized again": [{ read: (body) => JSON.stringify(JSON.parse(body)) }, { reformatted_refused: ["pretty_printed", "escaped_characters"] }],
  "decodes as Latin-1": [{ read: (body) => body.toString("latin1").replace(/[^\0-\x7f]/g, "?") }, { reformatted_refused: ["escaped_characters"] }],
  "ignores the case of the signature": [{ matches: (right, header) => right === header?.toLowerCase() }, { uppercase_accepted: ["uppercase_signature"] }],
  "accepts one valid signature of several": [{ matches: (right, header) => header?.split(", ").includes(right) === true }, { several_accepted: ["several_signatures"] }],
  "returns the valid signature": [{ refuse: (response, right) => response.writeHead(401).end(`not ${right.toUpperCase()}`) }, { signature_leaked: FORGED }],
  "returns the valid signature in base64": [
    { refuse: (response, right) => response.writeHead(401).end(JSON.stringify({ expected: Buffer.from(right, "hex").toString("base64") })) },
    { signature_leaked: FORGED },
  ],
  "returns the valid signature in a header": [{ refuse: (response, right) => response.writeHead(401, { "x-expected": right }).end() }, { signature_leaked: FORGED }],
  "has no limit": [{ limit: Infinity, bodyTimeout: 600_000 }, { no_size_limit: ["oversized_4_mib"], slow_client_kept: ["slow_client"] }, QUICK],
  "has a limit of 100 kB": [{ limit: 100_000 }, { large_event_refused: LARGE }],
  "answers 400 to a body over the limit": [{ tooLarge: answering(400) }, { oversized_not_413: ["oversized_4_mib"] }],
  "closes the connection on a body over the limit": [{ tooLarge: (response) => response.destroy() }, { oversized_unanswered: ["oversized_4_mib"] }],
  "rejects unknown events": [
    { accept: (response, body) => response.writeHead(`${body}`.includes('_session_finished"') ? 200 : 422).end() },
    { unknown_event_refused: ["unknown_event"] },
  ],
  "rejects duplicates": [() => ({ accept: rejectsDuplicates() }), { duplicate_refused: ["duplicate"] }],
  "answers 500 to forgeries": [{ refuse: answering(500) }, { forgery_failed: [...FORGED, ...ODD] }],
  "closes the connection on forgeries": [{ refuse: (response) => response.destroy() }, { forgery_unanswered: [...FORGED, ...ODD] }],
  "shows a Python traceback": [
    { refuse: (response) => response.writeHead(401).end('Traceback (most recent call last):\n  File "/srv/app.py", line 3') },
    { internals_shown: [...FORGED, ...ODD] },
  ],
};

// These tests spend most of their time waiting for the stalling client.
describe("finds the faults of an endpoint that", { concurrency: 6 }, () => {
  for (const [name, [fault, expected, options]] of Object.entries(faults)) {
    test(name, limits, async (t) => {
      const url = await listening(t, endpoint(typeof fault === "function" ? fault() : fault));
      const { code, found, verdicts } = await examine(url, options);
      assert.deepEqual(found, expected);
      assert.equal(code, Object.keys(expected).length === 0 ? 0 : 1);
      const blamed = new Set(Object.values(expected).flat());
      const doubted = Object.keys(verdicts).filter((id) => verdicts[id] !== "right");
      assert.deepEqual(doubted, ALL.filter((id) => blamed.has(id)));
    });
  }
});

test("finds an endpoint that answers before it reads the body", limits, async (t) => {
  const { found, first, code } = await examine(await listening(t, createServer((_request, response) => response.end())));
  assert.deepEqual([first.code, first.verdict, code], ["forgery_accepted", "wrong", 1]);
  assert.deepEqual(found.accepted_unread, ["slow_client"]);
});

for (const [name, server, expected] of [
  ["has another key", endpoint({ matches: () => false }), "genuine_refused"],
  ["fails every request", endpoint({ matches: () => false, refuse: answering(503) }), "endpoint_failed"],
]) {
  test(`reports only one finding for an endpoint that ${name}`, limits, async (t) => {
    const { found, verdicts, code } = await examine(await listening(t, server));
    assert.deepEqual(found, { [expected]: ["good_delivery"] });
    assert.deepEqual(verdicts, { ...all("unknown"), ...all("right", ["oversized_4_mib", "slow_client"]), good_delivery: "wrong" });
    assert.equal(code, 1);
  });
}

for (const status of [404, 405]) {
  test(`stops after the first request if it is answered ${status}`, limits, async (t) => {
    let requests = 0;
    const url = await listening(t, createServer((_request, response) => (requests++, response.writeHead(status).end())));
    const { found, verdicts, code, text } = await examine(url, []);
    assert.deepEqual([found, verdicts, code], [{ wrong_url: ["good_delivery"] }, { good_delivery: "wrong" }, 1]);
    assert.equal(JSON.parse(text).skipped, ALL.length - 1);
    assert.equal(requests, 1);
    const { out } = await doctor([url]);
    assert.match(out, /^The other checks were skipped\. Correct the URL, and run doctor again\.$/m);
  });
}

test("finds an endpoint that never answers", limits, async (t) => {
  const url = await listening(t, createServer(() => {}));
  const { found, probes, code } = await examine(url, ["--timeout", "300ms", "--patience", "300ms"]);
  assert.deepEqual(found, { not_in_time: ["good_delivery"], slow_client_kept: ["slow_client"] });
  assert.equal(probes.forged_signature.verdict, "unknown");
  assert.deepEqual([probes.good_delivery.status, probes.good_delivery.error], [null, "no complete response arrived within 0.3 s"]);
  assert.equal(code, 1);
});

const sample = (t, env) => serve(t, [process.execPath, join(import.meta.dirname, "endpoints/walnut-sample.mjs")], { env: { WEBHOOK_KEY: KEY, ...env } });

test("finds that Walnut's sample fails on every delivery", limits, async (t) => {
  const { url } = await sample(t, {});
  const { found, verdicts, text } = await examine(url, QUICK);
  assert.deepEqual(Object.keys(found), ["endpoint_failed", "internals_shown", "slow_client_kept"]);
  assert.deepEqual(verdicts, { ...all("unknown"), good_delivery: "wrong", slow_client: "risky" });
  assert.match(text, /req\.rawBody/);
});

test("finds the faults of Walnut's sample with a body parser", limits, async (t) => {
  const { url } = await sample(t, { PARSER: "1" });
  const { found, verdicts, text } = await examine(url, QUICK);
  assert.deepEqual(found, {
    large_event_refused: LARGE,
    forgery_failed: [...FORGED, ...ODD],
    internals_shown: [...LARGE, "oversized_4_mib", ...FORGED, ...ODD],
    slow_client_kept: ["slow_client"],
  });
  assert.deepEqual(verdicts, { ...all("risky"), ...all("right", GENUINE) });
  // The sample compares signatures with ==. No request can reveal that.
  assert.deepEqual(text.match(/constant|timing/g), ["constant"]);
  assert.match(text, /"not_seen":"[^"]*constant time/);

  const shown = await doctor([url, ...QUICK]);
  assert.equal(shown.code, 1);
  assert.match(shown.out, /a made-up signature +rejected +500 +\d+ ms +risky\n/);
  assert.match(shown.out, /risky  forgery_failed\n +The endpoint answers requests without a valid signature with a server error.*\n[^]*return res\.sendStatus\(401\)/);
  assert.match(shown.out, /\n5 right, 10 risky; 4 findings\nNot tested, since it can't be seen from outside: /);
});

test("shows the fix that an endpoint with walnut-webhooks answers", limits, async (t) => {
  const parsed = await listening(t, parsedBefore(KEY));
  const { fixes } = await examine(parsed, QUICK);
  assert.match(fixes.endpoint_failed, /^The endpoint answered body_not_raw: The raw body is needed, byte for byte as received, but a body parser .*express/);
  assert.doesNotMatch(fixes.endpoint_failed, /Walnut's Express sample|log of the endpoint/);
  const { out } = await doctor([parsed, ...QUICK]);
  assert.match(out.replace(/\n +/g, " "), /Fix: The endpoint answered body_not_raw: The raw body is needed/);

  const otherKey = await examine(await listening(t, rawEndpoint("another key")), QUICK);
  assert.match(otherKey.fixes.genuine_refused, /^The endpoint answered signature_mismatch: The key does not .*give the endpoint and doctor the same one\.$/);
});

test("gives its own fix for an error from another program, or for several errors", limits, async (t) => {
  const answers = (error) => endpoint({ matches: () => false, refuse: (response) => response.writeHead(503).end(JSON.stringify({ error })) });
  for (const error of [{ code: "toString", message: "from another program" }, { code: "body_not_raw" }, "body_not_raw"]) {
    const { fixes } = await examine(await listening(t, answers(error)), QUICK);
    assert.match(fixes.endpoint_failed, /^Look into the log of the endpoint/);
  }
  let count = 0;
  const codes = ["body_not_raw", "handler_failed"];
  const accept = (response, body) => {
    if (body.length < 100_000) return response.end();
    response.writeHead(413).end(JSON.stringify({ error: { code: codes[count++ % 2], message: "a message" } }));
  };
  const { fixes } = await examine(await listening(t, endpoint({ accept })), QUICK);
  assert.match(fixes.large_event_refused, /^Allow 1 MiB/);
});

test("finds no fault in the example for Express", limits, async (t) => {
  const { url } = await serve(t, [process.execPath, "server.mjs"], { cwd: join(root, "examples/express") });
  const { found, verdicts, code } = await examine(url, ENOUGH, { key: EXAMPLE_KEY });
  assert.deepEqual([found, verdicts, code], [{}, all("right"), 0]);
});

test("names a rate limit as the reason for unknown results", limits, async (t) => {
  const url = await listening(t, createServer(async (request, response) => {
    // The stalling client disconnects before it has sent its whole body.
    const body = Buffer.concat(await request.toArray().catch(() => []));
    const isGenuine = request.headers["x-walnut-signature"] === createHmac("sha256", KEY).update(body).digest("hex");
    response.writeHead(isGenuine ? 200 : 429).end("Error: x\n    at handle (/srv/app.js:1:2)");
  }));
  const { out } = await doctor([url, ...QUICK]);
  assert.match(out, /risky +internals_shown/);
  assert.match(out.replaceAll("\n", " "), /Some results are unknown, because a rate limit applied/);
});

test("marks every event as a test, and sends as many requests as the help says", limits, async (t) => {
  const bodies = [];
  const heads = [];
  const server = endpoint({ limit: Infinity, bodyTimeout: 600_000, read: (body) => (bodies.push(`${body}`), body) });
  server.on("request", ({ headers }) => heads.push(headers));
  await examine(await listening(t, server), QUICK);
  assert.deepEqual(bodies.filter((body) => JSON.parse(body).is_test !== true), []);
  const { out } = await doctor(["--help"]);
  assert.match(out, new RegExp(`Sends ${heads.length} requests,[^]*is_test: true`));
  // The body of the stalling client is never complete.
  assert.equal(bodies.length, heads.length - 1);
});

test("exits with 2 if nothing listens at the URL", limits, async () => {
  const port = await freePort();
  const { code, out, err } = await doctor([`http://127.0.0.1:${port}/webhook`]);
  assert.deepEqual([code, out, err], [2, "", `walnut-webhooks: http://127.0.0.1:${port} can't be reached: nothing listens there\n`]);
  const forPrograms = await doctor([`http://127.0.0.1:${port}/webhook`, "--json"]);
  assert.equal(JSON.parse(forPrograms.err).error.code, "unreachable");
});

test("exits with 2 if the server has no TLS", limits, async (t) => {
  const url = await listening(t, endpoint({}));
  const { code, err } = await doctor([url.replace("http:", "https:")]);
  assert.deepEqual([code, err.split("can't be reached: ")[1]], [2, "the server answered in plain HTTP: use http:// instead of https://\n"]);
});

test("rejects wrong usage", limits, async () => {
  for (const [args, message] of [
    [[], /URL is missing/],
    [["ftp://127.0.0.1/"], /must begin with http/],
    [["http://127.0.0.1/", "--timeout", "31s"], /--timeout must be/],
    [["http://127.0.0.1/", "--patience", "soon"], /--patience must be/],
    [["http://127.0.0.1/", "--no-such"], /no-such/],
  ]) {
    const { code, out, err } = await doctor(args);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, message);
    assert.match(err, /Try: walnut-webhooks doctor --help/);
  }
  const { code, err } = await doctor(["http://127.0.0.1/"], { key: "" });
  assert.equal(code, 2);
  assert.match(err, /the key is missing/);
});

test("ends at once after Ctrl-C", limits, async (t) => {
  const server = createServer(() => {});
  const url = await listening(t, server);
  const { code, out } = await doctor([url], { started: (child) => server.once("request", () => child.kill("SIGINT")) });
  assert.deepEqual([code, out], [130, ""]);
});

test("reports plain http, except on this machine", limits, () => {
  const codes = (url) => report(new URL(url), []).found.map(({ code }) => code);
  for (const url of ["http://hooks.example.com/", "http://192.0.2.1/", "http://127.0.0.1.example.com/"]) assert.deepEqual(codes(url), ["plain_http"]);
  for (const url of ["https://hooks.example.com/", "http://localhost:3000/", "http://127.1.2.3/", "http://[::1]/"]) assert.deepEqual(codes(url), []);
});
