import assert from "node:assert/strict";

const LEASE = 60_000;

/** Checks that two processes can share a store. */
export async function contract(one, other) {
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => [one, other][i % 2].begin("raced", LEASE)));
  assert.deepEqual(all.filter((state) => state !== "busy"), ["new"]);

  assert.equal(await one.begin("failed", LEASE), "new");
  assert.equal(await other.begin("failed", LEASE), "busy");
  await one.release("failed");
  assert.equal(await other.begin("failed", LEASE), "new");

  await other.done("failed");
  assert.equal(await one.begin("failed", LEASE), "done");
  assert.equal(await other.begin("failed", LEASE), "done");

  assert.equal(await one.begin("outlived", 1), "new");
  let state;
  // Repeats until the lease of 1 ms has ended. Only the timeout of the test limits this.
  do state = await other.begin("outlived", LEASE);
  while (state === "busy");
  assert.equal(state, "new");
  await one.release("outlived");
  assert.equal(await one.begin("outlived", LEASE), "busy", "a process released the lease of another one");
  await one.done("outlived");
  await other.release("outlived");
  assert.equal(await other.begin("outlived", LEASE), "done", "the store forgot a handled delivery");
}
