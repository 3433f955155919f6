// How often `listen --edge` sends requests to an edge, with a clock that the test sets.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../pkg-cli/listen/edge.js";

const SECOND = 1000;
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Follows an edge for some seconds; `pull(wait)` stands for one request. Returns the number of requests. */
async function requests(t, { seconds, canWait, pull, interval = 2 * SECOND }) {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const end = new AbortController();
  let count = 0;
  const edge = { canWait, signal: end.signal, pull: (take, wait) => (count++, pull(wait, count)) };
  const following = follow(edge, interval, () => {});
  for (let second = 0; second < seconds; second++) {
    await settled();
    t.mock.timers.tick(SECOND);
  }
  await settled();
  end.abort();
  t.mock.timers.tick(60 * SECOND);
  await following;
  t.mock.timers.reset();
  return count;
}

/** Answers without a delivery after 25 s, or at once without `wait`. */
const waits = (wait) => new Promise((resolve) => (wait ? setTimeout(resolve, 25 * SECOND, false) : resolve(false)));

test("an edge that can wait gets one request in 25 s while nothing arrives", async (t) => {
  // The first one does not wait.
  equal(await requests(t, { seconds: 250, canWait: true, pull: waits }), 1 + 11);
});

test("an edge that can wait is asked again at once after each delivery", async (t) => {
  let last = false;
  const pull = (wait, count) => (count < 50 ? Promise.resolve(true) : ((last = wait), waits(wait)));
  equal(await requests(t, { seconds: 1, canWait: true, pull }), 50);
  ok(last);
});

test("an edge that answers early and without a delivery is not asked again at once", async (t) => {
  const count = await requests(t, { seconds: 250, canWait: true, pull: async () => false });
  ok(count <= 16, `${count} requests`);
});

test("an older edge is asked less often while nothing arrives, up to every 25 s", async (t) => {
  const times = [];
  const pull = async () => (times.push(Date.now() / SECOND), false);
  await requests(t, { seconds: 100, canWait: false, pull });
  equal(times.map((time) => time - times[0]).join(), "0,2,6,14,30,55,80");
});

test("an older edge is asked after the interval again once something arrives", async (t) => {
  const times = [];
  const pull = async (wait, count) => (times.push(Date.now() / SECOND), count === 4);
  await requests(t, { seconds: 25, canWait: false, pull });
  equal(times.map((time) => time - times[0]).join(), "0,2,6,14,16,20");
});
