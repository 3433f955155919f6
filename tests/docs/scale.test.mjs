// The prices in docs/edge/scale.md follow from its counts and from the prices of the benchmark.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { PRICES } from "../../bench/edge/prices.mjs";
import { read, rows, section } from "./markdown.mjs";

const BILLED = {
  "rows written": "written",
  "rows read": "read",
  "requests to the Worker": "requests",
  "requests to the inbox": "inboxRequests",
  "log events": "logEvents",
};

const tables = rows(section(read("docs/edge/scale.md"), "## The price of a million events"));
const dollars = (value) => `$${value.toFixed(2)}`;

test("the prices equal the prices of the benchmark", () => {
  const prices = tables.filter(([, , price, ...more]) => price?.startsWith("$") && more.length === 0);
  const listed = prices.map(([billed, , price]) => [BILLED[billed.split(",")[0]], Number(price.slice(1))]);
  deepEqual(Object.fromEntries(listed), PRICES);
});

test("the price of a million events follows from the counts", () => {
  const lines = tables.filter(([, , ...prices]) => prices.length === 3);
  const counted = lines.filter(([billed]) => Object.hasOwn(BILLED, billed));
  equal(counted.length, Object.keys(BILLED).length);
  for (const [billed, alone, ofAlone, burst, ofBurst] of counted) {
    const price = PRICES[BILLED[billed]];
    deepEqual([ofAlone, ofBurst], [alone, burst].map((count) => dollars(count * price)), billed);
  }
  const sum = (column) => dollars(counted.reduce((all, cells) => all + Number(cells[column].slice(1)), 0));
  const [, , alone, , burst] = lines.find(([billed]) => billed === "in all");
  deepEqual([alone, burst], [sum(2), sum(4)]);
});
