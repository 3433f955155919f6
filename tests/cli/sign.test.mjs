// Runs sign, verify, explain and sample as processes, and tests the output that all commands share.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { bodies, folder, KEY, main, run, sign, start, startOnTerminal } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const demo = join(bodies, "demo.json");
const DEMO = readFileSync(demo);
const SIGNATURE = "45188402ad9396d108bd5745476de7aa55b62ca3bfc37085581fce15e90f0017";

test("sign: signs a file, standard input and --data", async () => {
  deepEqual(await run(["sign", demo]), { status: 0, out: `${SIGNATURE}\n`, err: "" });
  deepEqual(await run(["sign", "-"], { input: DEMO }), { status: 0, out: `${SIGNATURE}\n`, err: "" });
  equal((await run(["sign", "--data", "é\n"])).out, `${sign("é\n")}\n`);
  deepEqual(JSON.parse((await run(["sign", demo, "--json"])).out), { signature: SIGNATURE });
  // Any bytes are signed unchanged.
  const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x0d, 0x0a, 0xff, 0x7d]);
  equal((await run(["sign", "-"], { input: bytes })).out, `${sign(bytes)}\n`);
});

test("verify: shows a genuine event, as text and as JSON", async () => {
  const { status, out, err } = await run(["verify", "--signature", SIGNATURE, demo]);
  deepEqual([status, err], [0, ""]);
  match(out, /^genuine\ntype {6}demo_session_finished\nid {8}demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1\n/);
  match(out, /timestamp 2023-11-01T19:15:20.666248Z \(\d+ d ago\)\nkey {7}current\ndrift {5}none\n$/);
  const { ok: isOk, delivery } = JSON.parse((await run(["verify", "--signature", SIGNATURE, demo, "--json"])).out);
  deepEqual([isOk, delivery.event], [true, JSON.parse(DEMO)]);

  const drifted = '{"event":"demo_session_finished","new":1}';
  const shown = (await run(["verify", "--signature", sign(drifted), "--data", drifted])).out;
  match(shown, /type {6}unknown\nname {6}demo_session_finished\n[^]*drift {5}timestamp: missing: string expected\n[^]*drift {5}new: added: number\n/);
});

test("verify and explain: exit with 1, a code and a cause if the signature is rejected", async () => {
  const changed = DEMO.toString().replace('"fab_clicks":0', '"fab_clicks":1');
  const refused = await run(["verify", "--signature", SIGNATURE, "--data", changed]);
  deepEqual([refused.status, refused.err], [1, ""]);
  match(refused.out, /^rejected signature_mismatch\n/);
  deepEqual(JSON.parse((await run(["verify", "--signature", "", demo, "--json"])).out).error.code, "malformed_signature");

  const upper = await run(["explain", "--signature", SIGNATURE.toUpperCase(), demo]);
  deepEqual([upper.status, upper.err], [1, ""]);
  match(upper.out, /^rejected {2}malformed_signature\ncause {5}signature_uppercase\nproblem {3}The X-Walnut-Signature header has uppercase digits\.\nfix {7}Pass /);
  const right = await run(["explain", "--signature", SIGNATURE, demo, "--json"]);
  deepEqual([right.status, JSON.parse(right.out).cause], [0, "genuine"]);
});

test("explain: shows where the body differs, with visible blanks", async () => {
  const { status, out } = await run(["explain", "--signature", sign('{"a":1}'), "--data", '{"a": 1}']);
  equal(status, 1);
  match(out, /cause {5}body_reformatted\n[^]*at byte {3}5\nreceived {2}·1}\nsigned {4}1}\n$/);
});

test("verify and explain: read whole requests, as raw HTTP and as curl commands", async (t) => {
  const at = folder(t);
  const file = join(at, "request");
  const head = "POST /webhook HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\n";
  writeFileSync(file, Buffer.concat([Buffer.from(`${head}X-Walnut-Signature: ${SIGNATURE}\r\n\r\n`), DEMO]));
  equal((await run(["verify", "--request", file])).status, 0);
  writeFileSync(file, `${head}X-Hub-Signature: ${SIGNATURE}\n\n${DEMO}`);
  equal(JSON.parse((await run(["explain", "--request", file, "--json"])).out).cause, "other_header");
  writeFileSync(file, `curl -X POST https://example.com/webhook \\\n  -H 'x-walnut-signature: ${SIGNATURE}' --data-raw '${DEMO}'\n`);
  equal((await run(["verify", "--request", file])).status, 0);
  match((await run(["verify", "--request", file, demo])).err, /--request contains the body: remove FILE and --data/);
  for (const args of [["--request", demo], ["--request", file, demo], ["--request", file, "--signature", SIGNATURE]]) {
    equal((await run(["verify", ...args])).status, 2, args.join(" "));
  }
});

test("verify and explain: ask for one request if a HAR file has several", async (t) => {
  const file = join(folder(t), "requests.har");
  const request = { method: "POST", url: "/", headers: [{ name: "x-walnut-signature", value: SIGNATURE }], postData: { text: DEMO.toString() } };
  writeFileSync(file, JSON.stringify({ log: { entries: [{ request }, { request }] } }));
  // With a body given separately, the command would check it without a signature.
  for (const body of [[], [demo], ["--data", "{}"]]) {
    const { status, out, err } = await run(["verify", "--request", file, ...body]);
    deepEqual([status, out], [2, ""], body.join());
    equal(err, "walnut-webhooks: Not checked. The file has 2 requests, 2 of them with X-Walnut-Signature: keep only the one to check.\n");
  }
});

test("verify and explain: read the file that a curl command names, from the working directory", async (t) => {
  const at = folder(t);
  const curl = (data) => `curl https://example.com/webhook -H 'x-walnut-signature: ${SIGNATURE}' ${data}\n`;
  writeFileSync(join(at, "event.json"), DEMO);
  for (const option of ["--data-binary", "--json", "-T"]) {
    writeFileSync(join(at, "request"), curl(`${option.trim()} ${option === "-T" ? "" : "@"}event.json`));
    const { status, err } = await run(["verify", "--request", "request"], { cwd: at });
    deepEqual([status, err], [0, "The body is read from event.json, as the curl command says.\n"], option);
  }
  // curl removes line ends from a file that -d names.
  writeFileSync(join(at, "event.json"), `\r\n${DEMO}\n`);
  writeFileSync(join(at, "request"), curl("-d @event.json"));
  equal((await run(["verify", "--request", "request"], { cwd: at })).status, 0);
  writeFileSync(join(at, "request"), curl("--data-binary @event.json"));
  equal((await run(["verify", "--request", "request"], { cwd: at })).status, 1);
});

test("verify and explain: give no verdict on a body that they have not read", async (t) => {
  const file = join(folder(t), "request");
  const har = (text) => JSON.stringify({ log: { entries: [{ request: { method: "POST", url: "/", headers: [{ name: "x-walnut-signature", value: SIGNATURE }], postData: { text } } }] } });
  for (const [request, why] of [
    [`curl x -H 'x-walnut-signature: ${SIGNATURE}' -d @no-such-file.json`, /no-such-file.json can't be read: there is no such file/],
    [`curl x -H 'x-walnut-signature: ${SIGNATURE}' -d "$BODY"`, /a variable/],
    [`curl x -H 'x-walnut-signature: ${SIGNATURE}' -F a=b`, /--form is not supported/],
    [`> POST / HTTP/1.1\n> X-Walnut-Signature: ${SIGNATURE}\n> Content-Length: 2\n> \n`, /curl -v does not contain the body/],
    [har(undefined), /HAR file does not contain the body/],
    [`curl -X POST x -H 'x-walnut-signature: ${SIGNATURE}'`, /The curl command has no body/],
    [`curl x -X POST -H 'Content-Length: 834' -H 'x-walnut-signature: ${SIGNATURE}'`, /The curl command has no body/],
    [`POST / HTTP/1.1\nX-Walnut-Signature: ${SIGNATURE}\nContent-Length: 834\n\n`, /its body is missing/],
    [`POST / HTTP/1.1\nX-Walnut-Signature: ${SIGNATURE}\n\n`, /its body is missing/],
    [`X-Walnut-Signature: ${SIGNATURE}\nTransfer-Encoding: chunked\n`, /its body is missing/],
    [`> POST / HTTP/2\n> X-Walnut-Signature: ${SIGNATURE}\n> \n`, /curl -v does not contain the body/],
  ]) {
    writeFileSync(file, request);
    for (const command of ["verify", "explain"]) {
      const { status, out, err } = await run([command, "--request", file]);
      deepEqual([status, out], [2, ""], request);
      match(err, /Not checked\. .*FILE or --data/);
      match(err, why);
    }
    equal((await run(["verify", "--request", file, demo])).status, 0);
    equal((await run(["verify", "--request", file, "--data", "{}"])).status, 1);
  }
  writeFileSync(file, har(DEMO.toString()));
  equal((await run(["verify", "--request", file])).status, 0);
  // These bodies are empty, but not missing.
  for (const request of [`POST / HTTP/1.1\nX-Walnut-Signature: ${SIGNATURE}\nContent-Length: 0\n\n`, `curl x -H 'x-walnut-signature: ${SIGNATURE}' -d ''`]) {
    writeFileSync(file, request);
    equal(JSON.parse((await run(["explain", "--request", file, "--json"])).out).cause, "body_empty", request);
    match((await run(["explain", "--request", file, demo])).err, /--request contains the body/);
  }
  // Without a signature, the body does not matter.
  writeFileSync(file, "curl -X POST x -H 'content-type: application/json'");
  equal(JSON.parse((await run(["explain", "--request", file, "--json"])).out).cause, "missing_signature");
  match((await run(["verify", "--request", demo])).err, /is not a request: it must be raw HTTP, a curl command, the output of curl -v, or a HAR file/);
});

test("verify: reads no pipe, device or standard input that a curl command names", async (t) => {
  const at = folder(t);
  execFileSync("mkfifo", [join(at, "pipe")]);
  for (const [path, why] of [
    ["pipe", /pipe is not a regular file/],
    ["/dev/zero", /\/dev\/zero is not a regular file/],
    [".", /it is a folder/],
    ["/dev/stdin", /from its standard input/],
    ["/dev/./stdin", /from its standard input/],
  ]) {
    const request = `curl x -H 'x-walnut-signature: ${SIGNATURE}' -d @${path}`;
    const { status, out, err } = await run(["verify", "--request", "-"], { input: request, cwd: at });
    deepEqual([status, out], [2, ""], path);
    match(err, /Not checked\. /);
    match(err, why);
    // If standard input is a file, opening it by its path reads it again from its start.
    writeFileSync(join(at, "request"), request);
    const redirected = spawn(process.execPath, [main, "verify", "--request", "-", "--key", KEY], { cwd: at, stdio: [openSync(join(at, "request"), "r"), "ignore", "ignore"] });
    deepEqual(await once(redirected, "close"), [2, null], path);
  }
});

test("verify and explain: give no verdict on a signature that they have not read", async (t) => {
  const file = join(folder(t), "request");
  for (const option of ["-H @headers.txt", '-H "X-Walnut-Signature: $SIG"', '-H "X-Walnut-Signature: $(cat signature)"', '-H "$HEADER"']) {
    writeFileSync(file, `curl x ${option} -d '${DEMO}'`);
    for (const command of ["verify", "explain"]) {
      const { status, out, err } = await run([command, "--request", file]);
      deepEqual([status, out], [2, ""], option);
      match(err, /Not checked\. The signature .*give --signature SIG in addition to --request/);
      equal((await run([command, "--request", file, "--signature", SIGNATURE])).status, 0, option);
      equal((await run([command, "--request", file, "--signature", "0".repeat(64)])).status, 1, option);
    }
  }
});

test("sample: prints every documented field of each kind, and the same bytes for the same seed", async () => {
  for (const [kind, type] of [["demo", "demo_session_finished"], ["playlist", "playlist_session_finished"], ["test", "demo_session_finished"]]) {
    const one = await run(["sample", kind, "--seed", "7"]);
    deepEqual([one.status, one.err], [0, ""]);
    equal((await run(["sample", kind, "--seed", "7"])).out, one.out);
    ok((await run(["sample", kind, "--seed", "8"])).out !== one.out);
    const { delivery } = JSON.parse((await run(["verify", "--signature", sign(one.out), "--data", one.out, "--json"])).out);
    deepEqual([delivery.type, delivery.drift, delivery.isTest], [type, [], kind === "test"]);
    // These fields may be absent; a required one would be drift.
    ok("is_test" in delivery.event && "email" in delivery.event.data.user);
    equal(one.out, JSON.stringify(JSON.parse(one.out)));
  }
  const at = "2026-01-31T12:00:00.000Z";
  for (const same of [at, "2026-01-31T12:00:00Z", "2026-01-31T17:45:00+05:45"]) {
    equal(JSON.parse((await run(["sample", "--at", same])).out).timestamp, "2026-01-31T12:00:00.000000Z");
  }
});

test("rejects a file over the limit, and a device without an end", async () => {
  for (const [args, message] of [
    [["sign", "/dev/zero"], /\/dev\/zero is over the limit of 64 MiB/],
    [["verify", "--request", "/dev/zero"], /is over the limit of 64 MiB/],
    [["sign", demo, "--key-file", "/dev/zero"], /is over the limit of 64 KiB/],
  ]) {
    const { status, err } = await run(args);
    equal(status, 2);
    match(err, message);
  }
  equal((await run(["sign", "-"], { input: Buffer.alloc(64 << 20) })).status, 0);
  match((await run(["sign", "-"], { input: Buffer.alloc((64 << 20) + 1) })).err, /standard input is over the limit of 64 MiB/);
});

test("reports output that can't be written, without a stack", async () => {
  const full = openSync("/dev/full", "w");
  for (const args of [["sample"], ["--help"], ["sign", demo]]) {
    const child = spawn(process.execPath, [main, ...args, ...(args[0] === "sign" ? ["--key", KEY] : [])], { stdio: ["ignore", full, "pipe"] });
    let err = "";
    child.stderr.on("data", (text) => (err += text));
    const [code] = await once(child, "close");
    equal(code, 2);
    match(err, /the output can't be written: the disk is full\n$/);
  }
  closeSync(full);
});

test("prints warnings and notes as JSON with --json", async (t) => {
  const file = join(folder(t), "request");
  writeFileSync(file, "curl x --\x1b]0,name\x07 -d a");
  const { out, err } = await run(["explain", "--request", file, "--key", KEY, "--json"]);
  equal(JSON.parse(out).code, "missing_signature");
  const kinds = err.trim().split("\n").map((line) => Object.keys(JSON.parse(line))[0]);
  deepEqual(kinds, ["warning", "note"]);
  ok(!(await run(["explain", "--request", file])).err.includes("\x1b"));
});

test("uses colours only on a terminal, and never with NO_COLOR", async () => {
  const args = ["verify", "--signature", SIGNATURE, demo];
  ok(!(await run(args)).out.includes("\x1b["));
  match((await run(args, { env: { FORCE_COLOR: "1" } })).out, /\x1b\[32m/);
  match((await startOnTerminal(args).ended).shown, /\x1b\[32m/);
  ok(!(await startOnTerminal(args, { env: { NO_COLOR: "1" } }).ended).shown.includes("\x1b["));
});

test("sample: ends with a newline only on a terminal", async () => {
  const { shown } = await startOnTerminal(["sample", "--seed", "7"]).ended;
  const { out } = await run(["sample", "--seed", "7"]);
  deepEqual([shown, out.endsWith("}")], [`${out}\r\n`, true]);
  const explained = await startOnTerminal(["explain", "--signature", SIGNATURE.toUpperCase(), demo]).ended;
  equal(explained.status, 1);
  match(explained.shown, /\x1b\[31m.*rejected/);
});

test("verify: makes the control characters of an event visible", async () => {
  const event = JSON.stringify({ event: "\x1b[2J\u202e\x9b2J", "\x07": 1 });
  const { out } = await run(["verify", "--signature", sign(event), "--data", event]);
  ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/.test(out), JSON.stringify(out));
  match(out, /⟨U\+001B⟩\[2J⟨U\+202E⟩⟨U\+009B⟩2J/);
});

test("ends without a message if the pipe is closed", async () => {
  const child = spawn(process.execPath, [main, "sample"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let err = "";
  child.stderr.on("data", (text) => (err += text));
  const [code] = await once(child, "close");
  deepEqual([code, err], [141, ""]);
});

test("ends after Ctrl-C while it waits for standard input", async () => {
  const { child, ended } = start(["sign", "-"]);
  await once(child, "spawn");
  child.kill("SIGINT");
  equal((await ended).status, "SIGINT");
});
