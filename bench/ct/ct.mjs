// Looks for a difference in time between headers that are wrong at their end and headers that are wrong at their
// beginning: `make ct`. Whoever could tell them apart would find a signature digit by digit.
//
// The method is dudect's (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time?, 2017): two classes of input
// in an order drawn at random, many measurements, and Welch's t-test on their means. It is done on all measurements,
// and again on those below some percentiles, since what is slow for a reason of the machine's only hides what is
// looked for; the largest |t| counts. A measurement is a batch of the same call, since the clock is coarser than one.
//
// What is measured: the comparison alone and the whole of a check, in Rust; and the package's checks in V8. Beside
// each stands a control of the same shape that stops at the first digit which differs, as `===` may. A control that
// is not caught says that the measurement is too coarse to mean anything, so that is a failure too.
//
// |t| above 10 is a leak: dudect calls 4.5 a likely one and 10 a certain one. The higher is taken since the largest of
// several |t| counts, and since it leaves room: with one that stops early in place of the constant-time comparison, each
// target is above 20. Chance and the machine's other loads pass, and a leak does not. So what is above 10 is measured
// again, at most twice, and fails if it always is; a control is measured again, at most twice, and fails if it never is.
//
// Limits: this can show a leak, and never that there is none. It sees differences of a few ns or less, on this machine,
// in this build, between these two classes. It does not see what another compiler makes of the code, nor what caches
// or power tell. The package's checks are timed with all that is around the comparison, which makes a difference
// harder to see, and to use. TIMES=10 makes ten times as many measurements.
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

/** The largest |t|, over the percentiles, of pairs of a class and a time. */
function largestT(measured) {
  const sorted = Float64Array.from(measured, ([, time]) => time).sort();
  let largest = 0;
  for (const percentile of PERCENTILES) {
    const most = sorted[Math.ceil((sorted.length * percentile) / 100) - 1];
    const [near, far] = [0, 1].map((which) => measured.filter(([of, time]) => of === which && time <= most).map(([, time]) => time));
    // Where the classes lie so far apart that one is cut off, the percentiles above tell them apart.
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

// To collect a stack is most of what a refusal takes, and is not what is looked for.
Error.stackTraceLimit = 0;

// Near and far, each wrong by one digit, of which a letter stays a letter.
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
      // A string of its own each time, so that no class has one that V8 knows.
      const header = classes[far].latin1Slice();
      const began = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call++) check(header);
      measured.push([far, Number(process.hrtime.bigint() - began)]);
    }
    return measured;
  };
}

const webhook = new Webhook(key);

/** Calls what refuses. */
function refused(check) {
  try {
    check();
  } catch {
    return;
  }
  throw new Error("a wrong signature was not refused");
}

const verify = (header) => refused(() => webhook.verifySignature(body, header));

function stream(header) {
  const stream = webhook.stream();
  stream.update(body);
  refused(() => stream.finish(header));
}

/** Does as a check does, but for the comparison. */
const leaky = (sign) => (header) => refused(() => {
  const [signature, guess] = [sign(), header].map((digits) => Buffer.from(digits, "hex"));
  for (let index = 0; index < signature.length; index++) {
    if (signature[index] !== guess[index]) throw new Error("signature_mismatch");
  }
});

const nodes = () => createHmac("sha256", key).update(body).digest("hex");
const ours = () => webhook.sign(body);

const targets = [
  { name: "Rust: Signature ==", measure: rust("signature"), count: 100_000 },
  { name: "Rust: a comparison that stops early", measure: rust("signature-leaky"), count: 100_000, control: true },
  { name: "Rust: Verifier::verify", measure: rust("verify"), count: 100_000 },
  { name: "Rust: a check that stops early", measure: rust("verify-leaky"), count: 100_000, control: true },
  { name: "V8: webhook.verifySignature", measure: v8(verify), count: 50_000 },
  { name: "V8: Node's hash, and stops early", measure: v8(leaky(nodes)), count: 50_000, control: true },
  { name: "V8: webhook.stream", measure: v8(stream), count: 50_000 },
  { name: "V8: WebAssembly's hash, and stops early", measure: v8(leaky(ours)), count: 50_000, control: true },
];

const print = (...cells) => console.log(`${cells[0].padEnd(48)}${cells[1].padStart(12)}${cells[2].padStart(9)}  ${cells[3]}`);
print("target", "measurements", "|t|", "verdict");
let failed = false;
for (const { name, measure, count, control = false } of targets) {
  // Until V8 has compiled what it will, and caches are warm.
  measure(2000);
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const measured = measure(count * factor);
    const t = largestT(measured);
    const good = t > THRESHOLD === control;
    const last = good || attempt === TRIES;
    const verdict = control ? (good ? "caught, as it must be" : "NOT CAUGHT") : good ? "no difference seen" : "LEAKS";
    print(control ? `  beside it: ${name.replace(/^.*: /, "")}` : name, String(measured.length), t.toFixed(1), last ? verdict : `${verdict}? once more`);
    failed ||= last && !good;
    if (last) break;
  }
}
process.exitCode = failed ? 1 : 0;
