// Counts the work that the platform bills for an event, as tests/worker/rows.test.mjs does.
import { alone, burst, destinations, forgotten } from "../../tests/worker/rows.mjs";
import { BURST, DUPLICATE, FOUR_DESTINATIONS, IDLE, ONE_EVENT } from "./names.mjs";

const EVENTS = 100;

const each = (counts, convert) => Object.fromEntries(Object.entries(counts).map(([unit, count]) => [unit, convert(count, unit)]));

/** Runs `work` like a test, including the cleanup after it. */
async function asTest(work) {
  const after = [];
  try {
    return await work({ after: (done) => after.unshift(done) });
  } finally {
    for (const done of after) await done();
  }
}

/** Returns the counts for one event. */
export async function rows() {
  const { delivered, duplicate, idle } = await asTest(alone);
  const four = await asTest((t) => destinations(t, 4));
  const many = await asTest((t) => burst(t, EVENTS));
  const { written, read } = await asTest((t) => forgotten(t, EVENTS));
  // The single alarm that removes all of them is not counted.
  const removal = { written: (written - 1) / EVENTS, read: read / EVENTS };
  const inAll = (counts) => each(counts, (count, unit) => count + (removal[unit] ?? 0));
  return {
    [ONE_EVENT]: inAll(delivered),
    [FOUR_DESTINATIONS]: inAll(four),
    [BURST]: each(many, (count) => count / EVENTS),
    [DUPLICATE]: duplicate,
    // The cron trigger also calls each shard. That call belongs to no event, and docs/edge/scale.md has its price.
    [IDLE]: { written: idle.written, read: idle.read },
  };
}
