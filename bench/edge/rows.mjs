// What the platform bills for an event, counted as tests/worker/rows.test.mjs does.
import { alone, burst, destinations, forgotten } from "../../tests/worker/rows.mjs";
import { BURST, DUPLICATE, FOUR_DESTINATIONS, IDLE, ONE_EVENT } from "./names.mjs";

const EVENTS = 100;

const each = (counts, reckon) => Object.fromEntries(Object.entries(counts).map(([what, count]) => [what, reckon(count, what)]));

/** Does `work` as a test would, and what is to be done after one. */
async function asTest(work) {
  const after = [];
  try {
    return await work({ after: (done) => after.unshift(done) });
  } finally {
    for (const done of after) await done();
  }
}

/** Counts each of them for one event. */
export async function rows() {
  const { delivered, duplicate, idle } = await asTest(alone);
  const four = await asTest((t) => destinations(t, 4));
  const many = await asTest((t) => burst(t, EVENTS));
  const { written, read } = await asTest((t) => forgotten(t, EVENTS));
  // Without the one alarm that removes all of them.
  const removal = { written: (written - 1) / EVENTS, read: read / EVENTS };
  const inAll = (counts) => each(counts, (count, what) => count + (removal[what] ?? 0));
  return {
    [ONE_EVENT]: inAll(delivered),
    [FOUR_DESTINATIONS]: inAll(four),
    [BURST]: each(many, (count) => count / EVENTS),
    [DUPLICATE]: duplicate,
    // Its request to each shard is no event's: docs/edge/scale.md says what it costs.
    [IDLE]: { written: idle.written, read: idle.read },
  };
}
