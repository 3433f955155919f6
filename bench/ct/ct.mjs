// Looks for a difference in time between headers that are wrong at their end and headers that are wrong at their
// beginning: `make ct`. With such a difference, an attacker could find a signature digit by digit.
//
// The method is dudect's (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time?, 2017): two classes of input
// in random order, many measurements, and Welch's t-test on their means. The test runs on all measurements, and
// again on the measurements below some percentiles, because a slow machine only hides a difference.
// The largest |t| counts. A measurement is a batch of the same call, because the clock is coarser than one call.
//
// The targets are the comparison alone and a whole check, in Rust, and the package's checks in V8. Each has a control:
// the same code with a comparison that stops at the first different digit, as `===` may. If the test does not catch a
// control, the measurement is too coarse, so that is a failure too.
//
// |t| above 10 is a leak: dudect calls 4.5 a likely leak and 10 a certain one. The limit is the higher one because the
// largest of several |t| counts. It leaves room: with a comparison that stops early, each target is above 20. Effects of
// chance and of other load disappear when measured again, and a leak does not. So a target above 10 is measured again, at
// most twice, and fails if it is above 10 each time. A control is measured again, at most twice, and fails if it is never
// above 10.
//
// Limits: this can prove a leak, but never its absence. It detects differences of a few ns or less, on this machine, in
// this build, between these two classes. It does not cover the output of another compiler, or leaks through caches or
// power. The package's checks are timed with all the code around the comparison, which makes a difference harder to
// detect and to exploit. TIMES=10 makes ten times as many measurements.
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { Webhook } from "walnut-webhooks";

const THRESHOLD = 10;
const TRIES = 3;
const PERCENTILES = [100, 99, 95, 90, 80, 60, 40];
const factor = Number(process.env.TIMES ?? 1);

const root = join(import.meta.dirname, "../..");
const native = join(root, "target/ct/release/ct");
execFileSync("cargo", ["build", "--locked", "--quiet", "--release", "--target-dir", join(root, "target/ct"),
  "--manifest-path", join(import.meta.dirname, "native/Cargo.toml")], { stdio: "inherit" });

/** Welch's t of two lists of numbers. */
function welch(near, far) {
  const [a, b] = [near, far].map((times) => {
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1);
    return { mean, error: variance / times.length };
  });
  const error = Math.sqrt(a.error + b.error);
  return error === 0 ? 0 : Math.abs(a.mean - b.mean) / error;
}

/** Returns the largest |t| over the percentiles. `measured` has pairs of a class (0 is near, 1 is far) and a time. */
function largestT(measured) {
  const sorted = Float64Array.from(measured, ([, time]) => time).sort();
  let largest = 0;
  for (const percentile of PERCENTILES) {
    const most = sorted[Math.ceil((sorted.length * percentile) / 100) - 1];
    const timesOf = (wanted) => measured.filter(([index, time]) => index === wanted && time <= most).map(([, time]) => time);
    const [near, far] = [timesOf(0), timesOf(1)];
    // If the percentile cuts off one class, the two are so different that the higher percentiles show it.
    if (Math.min(near.length, far.length) > measured.length / 100) largest = Math.max(largest, welch(near, far));
  }
  return largest;
}

/** Measures in Rust. */
function rust(target) {
  return (count) => {
    const lines = execFileSync(native, [target, String(count)], { maxBuffer: 1 << 30 }).toString().trimEnd().split("\n");
    return lines.map((line) => line.split(" ").map(Number));
  };
}

const key = "a key";
const body = Buffer.alloc(20, "x");
const right = createHmac("sha256", key).update(body).digest("hex");
const CALLS = 16;

// Collecting a stack takes most of the time of a rejection, and is not the subject of this measurement.
Error.stackTraceLimit = 0;

// Signatures with one wrong digit: the last one (class near) or the first one (class far). A letter stays a letter.
const classes = [right.length - 1, 0].map((wrong) => {
  const digit = (parseInt(right[wrong], 16) ^ 1).toString(16);
  return Buffer.from(right.slice(0, wrong) + digit + right.slice(wrong + 1));
});

/** Measures in V8. */
function v8(check) {
  return (count) => {
    const measured = [];
    for (let index = 0; index < count; index++) {
      const far = Math.random() < 0.5 ? 1 : 0;
      // A new string each time, so that V8 has cached no string of either class.
      const header = classes[far].latin1Slice();
      const began = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call++) check(header);
      measured.push([far, Number(process.hrtime.bigint() - began)]);
    }
    return measured;
  };
}

const webhook = new Webhook(key);

/** Calls a function that must reject. */
function mustReject(check) {
  try {
    check();
  } catch {
    return;
  }
  throw new Error("a wrong signature was not rejected");
}

const verify = (header) => mustReject(() => webhook.verifySignature(body, header));

function stream(header) {
  const stream = webhook.stream();
  stream.update(body);
  mustReject(() => stream.finish(header));
}

/** Returns a check whose comparison stops early, and which otherwise does the same as the package's. */
const leaky = (sign) => (header) => mustReject(() => {
  const [signature, guess] = [sign(), header].map((digits) => Buffer.from(digits, "hex"));
  for (let index = 0; index < signature.length; index++) {
    if (signature[index] !== guess[index]) throw new Error("signature_mismatch");
  }
});

const signWithNode = () => createHmac("sha256", key).update(body).digest("hex");
const signWithWasm = () => webhook.sign(body);

const targets = [
  { name: "Rust: Signature ==", measure: rust("signature"), count: 100_000 },
  { name: "Rust: a comparison that stops early", measure: rust("signature-leaky"), count: 100_000, control: true },
  { name: "Rust: Verifier::verify", measure: rust("verify"), count: 100_000 },
  { name: "Rust: a check that stops early", measure: rust("verify-leaky"), count: 100_000, control: true },
  { name: "V8: webhook.verifySignature", measure: v8(verify), count: 50_000 },
  { name: "V8: Node's hash, and stops early", measure: v8(leaky(signWithNode)), count: 50_000, control: true },
  { name: "V8: webhook.stream", measure: v8(stream), count: 50_000 },
  { name: "V8: WebAssembly's hash, and stops early", measure: v8(leaky(signWithWasm)), count: 50_000, control: true },
];

const print = (...cells) => console.log(`${cells[0].padEnd(48)}${cells[1].padStart(12)}${cells[2].padStart(9)}  ${cells[3]}`);
print("target", "measurements", "|t|", "verdict");
let failed = false;
for (const { name, measure, count, control = false } of targets) {
  // Runs until V8 has compiled the code and caches are warm.
  measure(2000);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const measured = measure(count * factor);
    const t = largestT(measured);
    const good = t > THRESHOLD === control;
    const last = good || attempt === TRIES;
    const verdict = control ? (good ? "caught, as required" : "NOT CAUGHT") : good ? "no difference seen" : "LEAKS";
    print(control ? `  beside it: ${name.replace(/^.*: /, "")}` : name, String(measured.length), t.toFixed(1), last ? verdict : `${verdict}? once more`);
    failed ||= last && !good;
    if (last) break;
  }
}
process.exitCode = failed ? 1 : 0;
