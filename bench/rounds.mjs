// Measures candidates, which take turns in many short rounds of one run. Other load of the machine then affects all
// candidates alike, and compared numbers come from the same tenth of a second. The turns are short and many, so that a
// burst of other load spoils whole rounds, which the median ignores.

// Long enough for the compiler even if other load leaves it no separate core.
const WARM_UP_MS = 150;

/**
 * Runs every candidate for about `slice` ms in each of `count` rounds. Returns the microseconds per call of each
 * candidate, by round.
 */
export async function rounds(candidates, { count, slice = 6 }) {
  const turns = [];
  for (const candidate of candidates) turns.push({ candidate, calls: await calibrate(candidate, slice), micros: [] });
  for (let round = 0; round < count; round++) {
    for (const turn of shuffled(turns)) turn.micros.push(((await time(turn.candidate, turn.calls)) / turn.calls) * 1e3);
  }
  return Object.fromEntries(turns.map(({ candidate, micros }) => [candidate.name, micros]));
}

/** Divides `ours` by `theirs` of the same round, and returns the median ratio with its quartiles. */
export function compare(ours, theirs) {
  const ratios = ours.map((micros, round) => micros / theirs[round]).sort((a, b) => a - b);
  return { ratio: quantile(ratios, 0.5), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}

export function median(values) {
  return quantile([...values].sort((a, b) => a - b), 0.5);
}

export function quantile(sorted, at) {
  const place = at * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (above - below) * (place - Math.floor(place));
}

async function calibrate(candidate, slice) {
  let calls = 1;
  let total = 0;
  for (;;) {
    const ms = await time(candidate, calls);
    total += ms;
    if (total >= WARM_UP_MS && ms > 0) return Math.max(1, Math.round((calls * slice) / ms));
    if (ms < slice) calls *= 2;
  }
}

/** Times a number of calls, in milliseconds. Asynchronous calls are awaited one by one. */
async function time({ asynchronous, verify, body, header }, calls) {
  let refused = 0;
  const from = performance.now();
  if (asynchronous) {
    for (let call = 0; call < calls; call++) if (!(await verify(body, header))) refused++;
  } else {
    for (let call = 0; call < calls; call++) if (!verify(body, header)) refused++;
  }
  const ms = performance.now() - from;
  if (refused > 0) throw new Error(`${refused} of ${calls} calls rejected a good signature during the measurement`);
  return ms;
}

export function shuffled(all) {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(Math.random() * left.length), 1)[0]);
}
