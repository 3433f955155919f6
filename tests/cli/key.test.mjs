// The sources of the key for the commands.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { bodies, folder, KEY, run, sign, startOnTerminal } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const demo = join(bodies, "demo.json");
const DEMO = readFileSync(demo);
const SIGNATURE = "45188402ad9396d108bd5745476de7aa55b62ca3bfc37085581fce15e90f0017";

test("reads current and previous keys from the environment, and from files without one newline at their end", async (t) => {
  const at = folder(t);
  for (const [end, key] of [["", "a key"], ["\n", "a key"], ["\r\n", "a key"], ["\n\n", "a key\n"], [" ", "a key "]]) {
    writeFileSync(join(at, "key"), `a key${end}`);
    equal((await run(["sign", demo, "--key-file", join(at, "key")])).out, `${sign(DEMO, key)}\n`);
  }
  writeFileSync(join(at, "key"), "new");
  writeFileSync(join(at, "old"), KEY);
  const files = ["--key-file", join(at, "key"), "--key-file", join(at, "old")];
  const { out } = await run(["verify", "--signature", SIGNATURE, demo, "--json", ...files]);
  equal(JSON.parse(out).delivery.keyIndex, 1);
  const env = { WALNUT_WEBHOOK_KEY: "new", WALNUT_WEBHOOK_KEY_PREVIOUS: KEY };
  match((await run(["explain", "--signature", SIGNATURE, demo], { env })).out, /previous key/);
});

test("warns about a key on the command line, and explains where to put a missing key", async (t) => {
  const plain = await run(["sign", demo, "--key", KEY]);
  deepEqual([plain.status, plain.out], [0, `${SIGNATURE}\n`]);
  match(plain.err, /^warning: .*--key-file/);
  for (const [args, code, message] of [
    [[], "no_key", /WALNUT_WEBHOOK_KEY.*--key-file/],
    [["--key-file", join(folder(t), "none")], "unreadable", /there is no such file/],
    [["--key-file", "/dev/null"], "invalid_key", /is empty/],
    [["--key", ""], "invalid_key", /empty/],
    [["--key", "a", "--key-file", "b"], "usage", /can't both be given/],
  ]) {
    const { status, out, err } = await run(["sign", demo, "--json", ...args], { env: { WALNUT_WEBHOOK_KEY: "" } });
    const { error } = JSON.parse(err.trim().split("\n").at(-1));
    deepEqual([status, out, error.code], [2, "", code]);
    match(error.message, message);
  }
});

test("asks for the key at a terminal, and does not show it", async () => {
  const asking = { env: { WALNUT_WEBHOOK_KEY: "" } };
  const one = startOnTerminal(["sign", demo], asking);
  await one.until("Key (");
  one.type(`wrong\x15${KEY}x\x7f\r`);
  const { status, shown } = await one.ended;
  equal(status, 0);
  match(shown, new RegExp(`${SIGNATURE}\r\n$`));
  ok(!shown.includes(KEY));

  const other = startOnTerminal(["sign", demo], asking);
  await other.until("Key (");
  other.type("half\x03");
  equal((await other.ended).status, 130);
});

test("warns about characters around the key in a file, and never shows the key", async (t) => {
  const file = join(folder(t), "key");
  const key = "s3cret+key/with=signs";
  for (const [content, ...warnings] of [
    [key],
    [`${key}\n`],
    ["QUJDRA=="],
    ["QUJDRA=\n"],
    ["it's a key"],
    [`${key}\r\n`, /Windows line end \(CR LF\)/],
    [`"${key}"\n`, /quotation marks/],
    [`'${key}'`, /quotation marks/],
    [`“${key}”`, /quotation marks/],
    [`WALNUT_WEBHOOK_KEY=${key}\n`, /a name and an equals sign/],
    [`export KEY="${key}"\n`, /quotation marks/, /a name and an equals sign/],
    [`\ufeff${key}\n`, /UTF-8 byte order mark/],
    [`\ufeff"${key}"`, /UTF-8 byte order mark/, /quotation marks/],
    [Buffer.from(`\ufeff${key}`, "utf16le"), /UTF-16 byte order mark/],
    [Buffer.from(`\ufeff${key}`, "utf16le").swap16(), /UTF-16 byte order mark/],
    [`\ufeff ${key}`, /UTF-8 byte order mark/, /blanks or empty lines/],
    [` ${key}\n`, /blanks or empty lines/],
    [`${key}\u00a0`, /blanks or empty lines/],
    [`${key}\u200b`, /blanks or empty lines/],
    [`${key}\n\n`, /blanks or empty lines/],
    [`${key}\nother\n`, /several lines/],
  ]) {
    writeFileSync(file, content);
    const { status, err } = await run(["sign", demo, "--key-file", file]);
    const lines = err.split("\n").slice(0, -1);
    deepEqual([status, lines.length], [0, warnings.length], `${content}: ${err}`);
    for (const [index, line] of lines.entries()) {
      ok(line.startsWith(`warning: the key file ${file} has `), line);
      match(line, warnings[index]);
    }
    ok(!err.includes("s3cret") && !err.includes("KEY="), err);
  }
});
