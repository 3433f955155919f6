// The measuring: candidates take turns in many short rounds of one run, so that whatever the machine does
// beside it hits all of them alike, and what is compared was measured within the same tenth of a second.
import { flipped } from "./bodies.mjs";

const WARM_UP_MS = 40;
const SLICE_MS = 12;

/** Opens a candidate for a body, and stops the benchmark unless it tells genuine from forged. */
export async function ready({ name, async: asynchronous = false, open }, key, bytes) {
  const { body, sign, verify } = await open(key);
  const accepts = async (bytes, header) => {
    try {
      return Boolean(await verify(body(bytes), header));
    } catch {
      return false; // a refusal: most of them throw
    }
  };
  const [header, wrong] = [sign(bytes), sign(flipped(bytes))];
  const fail = (what) => {
    throw new Error(`${name} ${what} at ${bytes.length} bytes: what it measures would be worth nothing`);
  };
  if (!(await accepts(bytes, header))) fail("refuses a good signature");
  if (await accepts(bytes, wrong)) fail("accepts a bad signature");
  if (await accepts(flipped(bytes), header)) fail("accepts a body with a bit flipped");
  return { name, asynchronous, verify, body: body(bytes), header };
}

/** Lets every candidate run in `count` rounds; returns for each its microseconds per call, by round. */
export async function rounds(candidates, count) {
  const turns = [];
  for (const candidate of candidates) turns.push({ candidate, calls: await calibrate(candidate), micros: [] });
  for (let round = 0; round < count; round++) {
    for (const turn of shuffled(turns)) turn.micros.push(((await time(turn.candidate, turn.calls)) / turn.calls) * 1e3);
  }
  return Object.fromEntries(turns.map(({ candidate, micros }) => [candidate.name, micros]));
}

/** Says how `ours` compares with `theirs` in the same round: below 1 is faster. */
export function compare(ours, theirs) {
  const ratios = ours.map((micros, round) => micros / theirs[round]).sort((a, b) => a - b);
  return { ratio: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}

export function median(values) {
  return quantile([...values].sort((a, b) => a - b), 0.5);
}

function quantile(sorted, at) {
  const place = at * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

async function calibrate(candidate) {
  let calls = 1;
  let total = 0;
  for (;;) {
    const ms = await time(candidate, calls);
    total += ms;
    if (total >= WARM_UP_MS) return Math.max(1, Math.round((calls * SLICE_MS) / ms));
    if (ms < SLICE_MS) calls *= 2;
  }
}

/** Times a number of calls, in milliseconds. What is asynchronous is awaited one by one. */
async function time({ asynchronous, verify, body, header }, calls) {
  let refused = 0;
  const from = performance.now();
  if (asynchronous) {
    for (let call = 0; call < calls; call++) if (!(await verify(body, header))) refused++;
  } else {
    for (let call = 0; call < calls; call++) if (!verify(body, header)) refused++;
  }
  const ms = performance.now() - from;
  if (refused > 0) throw new Error(`${refused} of ${calls} calls refused a good signature while they were measured`);
  return ms;
}

function shuffled(all) {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}
