// The store in memory: its entries, and the limits on their age and number.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStore } from "walnut-webhooks";

/** A store with a clock that is set by hand. */
function store(options = {}) {
  const clock = { now: 1_000_000 };
  return Object.assign(new MemoryStore({ now: () => clock.now, ...options }), { clock });
}

test("an id is new once, busy until it is done or released, and done after that", () => {
  const seen = store();
  assert.equal(seen.begin("a", 1000), "new");
  assert.equal(seen.begin("a", 1000), "busy");
  assert.equal(seen.begin("b", 1000), "new");
  seen.release("b");
  assert.equal(seen.begin("b", 1000), "new");
  seen.done("a");
  assert.equal(seen.begin("a", 1000), "done");
  seen.release("a");
  assert.equal(seen.begin("a", 1000), "done");
});

test("a lease ends by itself, to the millisecond", () => {
  const seen = store();
  seen.begin("a", 1000);
  seen.clock.now += 999;
  assert.equal(seen.begin("a", 1000), "busy");
  seen.clock.now += 1;
  assert.equal(seen.begin("a", 1000), "new");
  seen.clock.now += 999;
  assert.equal(seen.begin("a", 1000), "busy");
});

test("forgets a handled id at its age, by default 7 days", () => {
  const [short, long] = [store({ maxAge: 1000 }), store()];
  for (const [seen, age] of [[short, 1000], [long, 7 * 24 * 3600 * 1000]]) {
    seen.begin("a", 1);
    seen.done("a");
    seen.clock.now += age - 1;
    assert.equal(seen.begin("a", 1), "done");
    seen.clock.now += 1;
    assert.equal(seen.begin("a", 1), "new");
  }
});

test("a repeated done restarts the age", () => {
  const seen = store({ maxEntries: 3 });
  for (const id of ["a", "b", "a", "c"]) seen.done(id);
  assert.equal(seen.begin("d", 1), "new");
  assert.equal(seen.begin("a", 1), "done");
  assert.equal(seen.begin("b", 1), "new");
});

test("drops ended leases first when full, then the oldest handled ids, and never a busy one", () => {
  const seen = store({ maxEntries: 3 });
  seen.begin("busy", 10_000);
  seen.begin("ended", 10);
  seen.done("old");
  seen.clock.now += 10;
  assert.equal(seen.begin("1", 10_000), "new");
  assert.equal(seen.begin("old", 1), "done");
  assert.equal(seen.begin("2", 10_000), "new");
  assert.equal(seen.begin("busy", 1), "busy");
  assert.throws(() => seen.begin("old", 1), /^Error: 3 deliveries, the limit of maxEntries, are being handled/);
  assert.throws(() => seen.done("old"), /being handled/);
  seen.done("busy");
  assert.equal(seen.begin("3", 1), "new");
  assert.throws(() => seen.begin("busy", 1), /being handled/);
});

test("remembers 100,000 ids by default, and no more", () => {
  const seen = store();
  for (let id = 0; id <= 100_000; id++) {
    assert.equal(seen.begin(`${id}`, 1000), "new");
    seen.done(`${id}`);
  }
  assert.equal(seen.begin("1", 1000), "done");
  assert.equal(seen.begin("0", 1000), "new");
  assert.equal(seen.begin("1", 1000), "new");
});

test("the clock is the system's by default", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 5000 });
  const seen = new MemoryStore({ maxAge: 1000 });
  seen.done("a");
  t.mock.timers.setTime(5999);
  assert.equal(seen.begin("a", 1), "done");
  t.mock.timers.setTime(6000);
  assert.equal(seen.begin("a", 1), "new");
});

test("rejects an option that is out of its range, of the wrong type or misspelt", () => {
  for (const options of [{ maxEntries: 0 }, { maxEntries: 1.5 }, { maxEntries: 2 ** 24 + 1 }, { maxAge: 0 }]) {
    const [name, value] = Object.entries(options)[0];
    assert.throws(() => new MemoryStore(options), new RegExp(`^RangeError: ${name} must be a whole number .*, but is ${value}\\.$`));
  }
  assert.throws(() => new MemoryStore({ now: 7 }), /^TypeError: now must be a function, but is a number\.$/);
  assert.throws(() => new MemoryStore({ maxentries: 7 }), /^TypeError: MemoryStore has no option "maxentries"\. Did you mean "maxEntries"\?$/);
  assert.throws(() => new MemoryStore(7), /^TypeError: The options of MemoryStore must be an object, .* but are a number\.$/);
  new MemoryStore({ maxEntries: undefined, maxAge: undefined, now: undefined });
});
