// Runs the fuzz targets one after the other, each for SECONDS on one core, or ONLY one of them. Each starts from
// the vectors, and from the inputs that earlier runs found, in target/fuzz/corpus/.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { read } from "../tests/runtimes/conformance.mjs";
import { vectors } from "../tests/runtimes/vectors.mjs";

const root = join(import.meta.dirname, "..");
const seconds = Number(process.env.SECONDS || 60);
if (!Number.isInteger(seconds) || seconds < 1) throw new Error(`SECONDS must be a whole number, not ${process.env.SECONDS}`);

// The numbers of the changes to a signature, from fuzz/src/lib.rs. The last two replace and remove the header.
const CHANGES = [0, 1, 2, 3, 4, 5];
const [REPLACED, ABSENT] = [6, 7];
const NOTHING = Buffer.of();

/** Returns bytes with their length before them, in the form that the targets read. */
function part(bytes) {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const keys = (all) => Buffer.concat([Buffer.of(all.length - 1), ...all.map(part)]);
const text = (header) => Buffer.from([header ?? ""].flat().join(", "));
const headerChange = ({ header }) => (header === null ? ABSENT : REPLACED);

// Leaves out cases that the targets can't express, and cases that are too long for a fuzzer.
const cases = read(vectors).filter((one) => {
  const parts = [one.body, text(one.header), ...one.keys];
  return one.keys.length >= 1 && one.keys.length <= 4 && parts.every((bytes) => bytes.length < 8192);
});

/** The initial inputs of each target. */
const seeds = {
  header: () => cases.map(({ header }) => text(header)),
  // Each signature of the vectors, and the last key's signature with each change.
  verify: () =>
    cases.flatMap((one) =>
      [Buffer.of(headerChange(one), 0, 9), ...CHANGES.map((change) => Buffer.of(change, one.keys.length - 1, 9))].map((start) =>
        Buffer.concat([start, keys(one.keys), part(start[0] === REPLACED ? text(one.header) : Buffer.of(1, 0)), part(one.body)]),
      ),
    ),
  stream: () =>
    cases.flatMap((one) =>
      [[], [1, 2, 3], [64, 0, 55], [254, 254]].map((lengths) =>
        Buffer.concat([Buffer.of(0, 0, 16), keys(one.keys), part(NOTHING), part(Buffer.from(lengths)), one.body]),
      ),
    ),
  event: () => cases.map(({ body }) => body),
  explain: () =>
    cases.map((one) => {
      const [signed] = one.signed === undefined ? [] : read({ ...vectors, files: { signed: { cases: [{ ...one, ...one.signed }] } } });
      const others = Object.keys(one.others ?? {}).map((name) => Buffer.concat([part(Buffer.from(name)), Buffer.of(0), part(NOTHING)]));
      const mistake = signed === undefined ? [NOTHING, NOTHING] : [signed.keys[0], signed.body];
      // The header of a case is wrong only if the mistake is in the header.
      const [change, header] = signed === undefined ? [headerChange(one), text(one.header)] : [0, NOTHING];
      return Buffer.concat([
        Buffer.of(change, 0, 0), keys(one.keys), part(header), ...mistake.map(part),
        Buffer.of(others.length), ...others, one.body,
      ]);
    }),
  config: () => CONFIGURATIONS.map((lines) => Buffer.from(lines)),
};

const MINIMAL = "WALNUT_WEBHOOK_KEY=key\nORIGIN_URL=https://a.example/x?y=1\n";
const DESTINATIONS = JSON.stringify([
  { name: "crm", url: "https://crm.example/hook", events: ["e"], headers: { authorization: "Bearer a" }, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  { name: "lake", url: "https://10.0.0.1:8443/" },
], null, 1);
const CONFIGURATIONS = [
  MINIMAL,
  `${MINIMAL}MODE=direct\nSHARDS=4\nMAX_BODY_BYTES=4096\nMAX_ATTEMPTS=9\nORIGIN_TIMEOUT=500ms\nJURISDICTION=eu`,
  `${MINIMAL}MAX_EVENT_AGE=0\nMAX_DELIVERY_AGE=1.5h\nRETENTION=0.5d\nALERT_SILENCE=24h\nWEBHOOK_PATH=/a/b-c`,
  `${MINIMAL}ALERT_URL=http://[::1]:80/\nALLOW_LOOPBACK=1\nADMIN_TOKEN=${"t".repeat(32)}\nMAX_EVENT_AGE=90s`,
  `${MINIMAL}WALNUT_WEBHOOK_KEY_PREVIOUS=old\nWALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL=2023-11-16T00:00:00Z`,
  `WALNUT_WEBHOOK_KEY=key\nDESTINATIONS=${DESTINATIONS.replaceAll("\n", "\n ")}`,
  `${MINIMAL}MAX_ATTEMPT=3\nRETENTION_DAYS=7\nLOG_LEVEL=debug\nMAX_EVENT_AGE=72\nJURISDICTION=EU\nSETUP=yes\nQUARANTINE=0\nCLIENT_IP_HEADER=X-Real-IP`,
  "SETUP=1\nORIGIN_URL=https://a.example",
  "ORIGIN_URL=ftp://%\nADMIN_TOKEN={short}\nDESTINATIONS=[}\nMODE=?\nMAX_EVENT_AGE=9w\nSHARDS=-1",
];

const only = process.env.ONLY || undefined;
if (only !== undefined && seeds[only] === undefined) {
  throw new Error(`ONLY must be a target, but is ${only}. The targets are ${Object.keys(seeds).join(", ")}`);
}
for (const target of only === undefined ? Object.keys(seeds) : [only]) {
  const corpus = join(root, "target/fuzz/corpus", target);
  mkdirSync(corpus, { recursive: true });
  for (const seed of seeds[target]()) {
    writeFileSync(join(corpus, createHash("sha1").update(seed).digest("hex")), seed);
  }
  console.log(`fuzz: ${target}, for ${seconds} s`);
  const limits = [`-max_total_time=${seconds}`, "-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1"];
  const dictionary = target === "event" || target === "config" ? [`-dict=fuzz/targets/${target}.dict`] : [];
  const { status, error } = spawnSync(
    join(root, "target/tools/bin/cargo-fuzz"),
    ["run", "--target-dir", "target/fuzz", target, corpus, "--", ...limits, ...dictionary],
    { cwd: root, stdio: "inherit", env: { ...process.env, RUSTUP_TOOLCHAIN: "nightly" } },
  );
  if (error !== undefined) throw error;
  if (status !== 0) {
    console.error(`fuzz: ${target} failed; the failing input is in fuzz/artifacts/${target}/`);
    process.exit(1);
  }
}
