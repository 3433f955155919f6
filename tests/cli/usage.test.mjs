// The arguments of the commands.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { bodies, folder, run } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const demo = join(bodies, "demo.json");
const COMMANDS = ["sign", "verify", "explain", "sample", "send", "listen", "replay", "doctor", "harness"];

test("reads arguments after -- as files, not as options", async (t) => {
  match((await run(["sign", "--", "-h"])).err, /-h can't be read/);
  match((await run(["sign", "--", "--json"])).err, /^walnut-webhooks: --json can't be read/);
});

test("rejects wrong usage with status 2 and a sentence, without a stack", async () => {
  for (const [args, message] of [
    [["none"], /there is no command "none"/],
    [["toString"], /there is no command "toString"/],
    [["help", "constructor"], /there is no command "constructor"/],
    [["sign"], /the body is missing/],
    [["sign", demo, "more"], /"more" is one argument too many/],
    [["sign", "--no-such"], /there is no option "--no-such"\.$/m],
    [["sign", "-x"], /there is no option "-x"\.$/m],
    [["sign", "--data"], /--data needs a value: --data TEXT/],
    [["sign", "--data", "-x"], /write --data=TEXT/],
    [["sign", "--json=yes", demo], /--json takes no value/],
    [["sign", demo, "--data", "x"], /can't both be given/],
    [["sign", join(bodies, "none")], /can't be read: there is no such file/],
    [["sign", bodies], /can't be read: it is a folder/],
    [["verify", demo], /the signature is missing/],
    [["sample", "video"], /the sample must be demo, playlist or test, but is "video"/],
    [["sample", "--seed", "-1"], /seed/],
    [["sample", "--seed", "4294967296"], /whole number from 0 to 4294967295/],
    [["sample", "--at", "yesterday"], /RFC|such as/],
    [["sample", "--at", "-5"], /such as 2026-01-31T12:00:00Z/],
    [["sample", "--at", "1769860800000"], /such as 2026-01-31T12:00:00Z/],
    [["sample", "--at", "10000-01-01T00:00:00Z"], /such as/],
    [["sample", "--at", "2026-01-31T12:00:00"], /such as/],
    [["sample", "--at", "2026-02-29T12:00:00Z"], /such as/],
    [["sample", "--at", "2026-13-01T12:00:00Z"], /such as/],
    [["send", "ftp://user:secret@127.0.0.1/"], /^(?![^]*secret)[^]*must begin with http/],
    [["send", "http://user:secret@127.0.0.1/"], /^(?![^]*secret)[^]*must not have a user name/],
    [["send", "http://%zz@127.0.0.1/"], /must not have a user name/],
  ]) {
    const { status, out, err } = await run(args);
    deepEqual([status, out], [2, ""], args.join(" "));
    match(err, message);
    match(err, /^walnut-webhooks: /);
    ok(!/\n\s+at /.test(err), err);
    const { error } = JSON.parse((await run([...args, "--json"])).err);
    match(error.message, message);
  }
});

test("prints help for each command, with an example", async () => {
  const { status, out } = await run(["--help"]);
  equal(status, 0);
  for (const command of COMMANDS) {
    match(out, new RegExp(`^  ${command} `, "m"));
    const help = await run([command, "--help"]);
    deepEqual([help.status, help.err], [0, ""]);
    match(help.out, new RegExp(`^walnut-webhooks ${command} `));
    match(help.out, new RegExp(`Examples?:\n  walnut-webhooks ${command}`));
    match(help.out, /--json/);
    for (const line of help.out.split("\n")) ok(line.length <= 100 || line.startsWith("  walnut-webhooks"), line);
    equal((await run(["help", command])).out, help.out);
  }
  deepEqual((await run([])).status, 2);
  match((await run(["--version"])).out, /^\d+\.\d+\.\d+\n$/);
});

/** Runs a command with wrong arguments, and returns its message. */
async function rejected(args, options) {
  const { status, out, err } = await run(args, options);
  deepEqual([status, out], [2, ""], args.join(" "));
  match(err, /^walnut-webhooks: .*\nTry: walnut-webhooks .*--help\n$/);
  return err;
}

test("suggests the nearest command and the nearest option", async () => {
  for (const [args, suggestion] of [
    [["sgin", demo], "sign"],
    [["expain"], "explain"],
    [["docter", "http://127.0.0.1:1"], "doctor"],
    [["expl"], "explain"],
    [["help", "verfy"], "verify"],
    [["sign", demo, "--keyfile", "x"], "--key-file"],
    [["sign", demo, "--key_file=x"], "--key-file"],
    [["verify", "--signatrue", "x", demo], "--signature"],
    [["doctor", "http://127.0.0.1:1", "--pateince", "5s"], "--patience"],
    [["send", "http://127.0.0.1:1", "--dup"], "--duplicates"],
    [["send", "http://127.0.0.1:1", "--jsno"], "--json"],
  ]) {
    match(await rejected(args), new RegExp(`Did you mean ${suggestion}\\?\n`), args.join(" "));
  }
  for (const args of [["check"], ["x"], ["sign", demo, "--max-age", "1h"], ["sign", demo, "-k"]]) {
    ok(!(await rejected(args)).includes("Did you mean"), args.join(" "));
  }
});

test("names the other commands that have an unknown option", async () => {
  for (const [args, others] of [
    [["sign", demo, "--signature", "x"], "verify and explain"],
    [["listen", "--file=x"], "send"],
    [["sign", demo, "--seed", "1"], "sample and send"],
    [["verify", "--data", "{}", "--timeout", "1s"], "send, replay and doctor"],
  ]) {
    const option = args.find((arg) => arg.startsWith("--") && arg !== "--data").replace("=x", "");
    match(await rejected(args), new RegExp(`there is no option "${option}"\\. It is an option of ${others}\\.\n`), args.join(" "));
  }
});

test("rejects two inputs from standard input", async (t) => {
  const file = join(folder(t), "key");
  writeFileSync(file, "a key");
  for (const [args, names] of [
    [["sign", "--key-file", "-", "-"], "--key-file and FILE"],
    [["sign", "--key-file", "/dev/stdin", "-"], "--key-file and FILE"],
    [["sign", "--key-file", "-", "--key-file", "-", demo], "--key-file and --key-file"],
    [["sign", "--key-file", "/dev/./stdin", "-"], "--key-file and FILE"],
    [["sign", "--key-file", "//dev/stdin", "/dev/fd/0"], "--key-file and FILE"],
    [["sign", "--key-file", "/proc/self/fd/../fd/0", "-"], "--key-file and FILE"],
    [["verify", "--request", "-", "--key-file", "-"], "--(request|key-file) and --(request|key-file)"],
    [["verify", "--request", "-", "-"], "--request and FILE"],
    [["send", "http://127.0.0.1:1", "--file", "-", "--key-file", "-"], "--(file|key-file) and --(file|key-file)"],
  ]) {
    match(await rejected(args, { input: "one" }), new RegExp(`standard input can be read only once, but both ${names} read it`));
  }
  const at = folder(t);
  execFileSync("mkfifo", [join(at, "pipe")]);
  match(await rejected(["sign", "--key-file", `${at}/pipe`, `${at}/./pipe`]), /pipe can be read only once, but both --key-file and FILE read it/);
  equal((await run(["sign", "--key-file", file, file])).status, 0);
  equal((await run(["sign", "--key-file", file, "-"], { input: "body" })).status, 0);
  equal((await run(["sign", "--key-file", "-", demo], { input: "a key" })).status, 0);
});

test("makes the control characters of file names visible", async (t) => {
  const at = folder(t);
  const named = (name) => join(at, `${name}\x1b[31m`);
  writeFileSync(named("text"), "{}");
  mkdirSync(named("empty"));
  for (const [folder, content] of [["get", "GET / HTTP/1.1\n"], ["none", "{}"], ["curl", "curl -X $'\x1b' x"], ["cut", "POST / HTTP/1.1\ncontent-length: 2\n\n"]]) {
    mkdirSync(named(folder));
    writeFileSync(join(named(folder), "x\x1b[31m.http"), content);
  }
  for (const args of [
    ["verify", "--request", named("text")], ["verify", "--request", named("none")], ["sign", "x\x1b[31m".repeat(99)],
    ...["missing", "empty", "text", "get", "none", "curl", "cut"].map((name) => ["replay", named(name), "http://127.0.0.1:1"]),
  ]) {
    const { status, err } = await run(args);
    deepEqual([status, err.includes("\x1b")], [2, false], JSON.stringify(err));
    match(err, /⟨U\+001B⟩/);
  }
});

test("rejects an option that is given twice, unless it may be repeated", async (t) => {
  const file = join(folder(t), "key");
  writeFileSync(file, "a key");
  for (const args of [["--data", "a", "--data", "b"], ["--json", "--json", demo], ["--data=a", "--data=a"]]) {
    match((await run(["sign", ...args])).err, /(--data|--json) can be given only once/);
    equal((await run(["sign", ...args])).status, 2);
  }
  equal((await run(["sign", demo, "--key-file", file, "--key-file", file])).status, 0);
});

test("rejects a port that does not exist", async () => {
  for (const [args, message] of [
    [["listen", "--port", "65536"], /--port must be a whole number from 0 to 65535, but is "65536"/],
    [["listen", "--port", "-1"], /--port must be a whole number from 0 to 65535, but is "-1"/],
    [["harness", "--port=-1"], /--port must be a whole number from 0 to 65535, but is "-1"/],
    [["send", "http://127.0.0.1:65536/"], /the port in URL must be from 1 to 65535, but is 65536/],
    [["doctor", "http://[::1]:99999"], /the port in URL must be from 1 to 65535, but is 99999/],
    [["doctor", "http://127.0.0.1:0/"], /the port in URL must be from 1 to 65535, but is 0/],
    [["listen", "--forward", "http://127.0.0.1:70000"], /the port in --forward must be/],
    [["send", "http://[::1/"], /URL must be a URL such as/],
  ]) {
    match(await rejected(args), message);
  }
});

test("rejects a duration without a unit, and shows how to write it", async () => {
  const url = "http://127.0.0.1:1";
  for (const [args, message] of [
    [["doctor", url, "--patience", "6"], /--patience must have a unit: write 6s for seconds, or 6ms for milliseconds/],
    [["doctor", url, "--timeout", "6"], /--timeout must have a unit/],
    [["send", url, "--backoff", "0"], /--backoff must have a unit/],
    [["send", url, "--timeout", "10"], /--timeout must have a unit/],
    [["listen", "--delay", "100"], /--delay must have a unit/],
    [["listen", "--edge", "https://127.0.0.1:1", "--interval", "100"], /--interval must have a unit/],
    [["listen", "--edge", "https://127.0.0.1:1", "--since", "2"], /--since must be a time such as/],
    [["send", url, "--backoff", "2 s"], /--backoff must be a duration such as 500ms, 30s, 5m, 72h or 7d, up to 1h, but is "2 s"/],
    [["send", url, "--backoff", "61m"], /up to 1h, but is "61m"/],
    [["send", url, "--timeout", "0ms"], /from 1ms to 30s, but is "0ms"/],
  ]) {
    const { status, err } = await run(args, { env: { ADMIN_TOKEN: "token" } });
    equal(status, 2);
    match(err, message, args.join(" "));
  }
});

test("accepts each unit of a duration", async () => {
  const now = Date.now();
  for (const [text, ms] of [["500ms", 500], ["30s", 30_000], ["5m", 300_000], ["72h", 259_200_000], ["7d", 604_800_000], ["1.5h", 5_400_000]]) {
    const { out } = await run(["sample", "--at", text]);
    const ago = now - Date.parse(JSON.parse(out).timestamp);
    ok(ago <= ms && ago > ms - 60_000, `${text}: ${ago}`);
  }
});
