// Measures how the edge's times grow with the number of stored deliveries: Workers with inboxes of different sizes take
// turns in one workerd.
import { createHmac, randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { change, multiply, ROWS_PER_MS, select } from "../../tests/worker/storage.mjs";
import { body, KEY } from "../bodies.mjs";
import { compare, median, shuffled } from "../rounds.mjs";
import {
  EVENT, FIRST_STATUS, LIST_DEAD, LIST_DELIVERED, LIST_NAME, LIST_NEWEST, LIST_NO_NAME, LIST_PENDING, LIST_UNTIL, LISTS,
  METRICS, SHOW, STATUS,
} from "./names.mjs";
import { ours, startWorkers } from "./workers.mjs";

/** How many deliveries the inboxes hold. */
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const [SMALLEST, LARGEST] = [SIZES[0], SIZES.at(-1)];

/** The number of deliveries of each rare kind in each inbox: dead, unrouted, variants, and about the person to erase. */
const RARE = 100;

/** How many dead deliveries are redelivered. */
const DEAD = 50_000;
/** How many attempts each dead delivery has had: three days of failures, at the end an hour apart. */
const ATTEMPTS = 84;

/** How many calls of an erasure are measured. Each searches 200 bodies. */
const ERASURES = 250;

/** How many times the Workers start, because each start gives one first status. */
const STARTS = 9;

/** The deliveries arrived in these days at equal intervals, so that none of them expires. */
const DAYS = 5;
const DAY_MS = 24 * 60 * 60 * 1000;

const TOKEN = "a-token-of-more-than-thirty-two-characters";
const BODY_BYTES = 851;
const EMAIL = "someone-awesome@walnut.io";
const ERASED_EMAIL = "leaver@example.com";

/** The requests for lists. */
const PATHS = {
  [LIST_NEWEST]: "deliveries",
  [LIST_DELIVERED]: "deliveries?state=delivered",
  [LIST_DEAD]: "deliveries?state=dead",
  [LIST_PENDING]: "deliveries?state=pending",
  [LIST_NAME]: `deliveries?name=playlist_session_finished&since=${Date.now() - DAYS * DAY_MS}`,
  [LIST_NO_NAME]: "deliveries?name=none",
  [LIST_UNTIL]: `deliveries?until=${Date.now() - (DAYS * DAY_MS) / 2}`,
};

const sample = JSON.parse(body(BODY_BYTES));

/** Posts an event of a new session, and returns how long the answer took, in ms. */
async function post(url) {
  const data = { ...sample.data, session_id: randomUUID() };
  const body = JSON.stringify({ ...sample, data, timestamp: new Date().toISOString() });
  const signature = createHmac("sha256", KEY).update(body).digest("hex");
  const from = performance.now();
  const response = await fetch(url, { method: "POST", body, headers: { "x-walnut-signature": signature } });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`an event was answered ${response.status}`);
  return performance.now() - from;
}

/** Calls the admin API, and returns the answer and how long it took, in ms. */
async function ask(url, path, body) {
  const from = performance.now();
  const response = await fetch(new URL(`/admin/${path}`, url), {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${TOKEN}` },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path} was answered ${response.status}: ${text}`);
  return { text, ms: performance.now() - from };
}

const json = async (...question) => JSON.parse((await ask(...question)).text);

/** Returns the time between two deliveries in an inbox of `size` deliveries, in ms. */
const intervalMs = (size) => Math.floor((DAYS * DAY_MS) / size);

/** Returns the row of the nth delivery before the newest. */
const rowOf = ({ newest, size }, n) => newest - n * intervalMs(size) * ROWS_PER_MS;

/**
 * Fills the database of an inbox that has one delivery. Some of the copies become dead, unrouted, variants, or about the
 * person to erase.
 */
function fill(storage, size) {
  const [{ key: newest }] = select(storage, "SELECT key FROM deliveries");
  const gap = intervalMs(size) * ROWS_PER_MS;
  const spread = (first) =>
    Array.from({ length: RARE }, (_, n) => rowOf({ newest, size }, first + n * Math.floor(size / RARE))).join();
  multiply(storage, size - 1, intervalMs(size));
  change(
    storage,
    `UPDATE deliveries SET name = 'playlist_session_finished' WHERE (${newest} - key) % ${10 * gap} = ${gap};
    ${markDead(spread(2))}
    UPDATE deliveries SET state = 'unrouted', sends = '[]', attempts = '[]' WHERE key IN (${spread(3)});
    UPDATE deliveries SET state = 'variant', kind = 'variant', sends = '[]', attempts = '[]',
      id = (SELECT id FROM deliveries AS first WHERE first.key = deliveries.key - ${gap}) WHERE key IN (${spread(4)});
    UPDATE deliveries SET body = CAST(replace(CAST(body AS TEXT), '${EMAIL}', '${ERASED_EMAIL}') AS BLOB)
      WHERE key IN (${spread(6)});`,
  );
  return { newest, size };
}

/** Makes the statement that marks deliveries as dead. */
function markDead(rows) {
  const failed = { destination: "origin", at: Date.now(), ms: 20, status: 503, code: "origin_failed" };
  const attempts = JSON.stringify(Array.from({ length: ATTEMPTS }, () => failed));
  return `UPDATE deliveries SET state = 'dead', dead = 1, attempts = '${attempts}',
    sends = json_set(sends, '$[0].state', 'dead', '$[0].attempts', ${ATTEMPTS}, '$[0].reason', 'max_age')
    WHERE key IN (${rows});`;
}

/** Returns the questions to an inbox, as functions that return how long the answer took, in ms. */
function questions(origin, url, inbox) {
  const asked = (path) => async () => (await ask(url, path())).ms;
  return {
    ...Object.fromEntries(LISTS.map((name) => [name, asked(() => PATHS[name])])),
    [SHOW]: asked(() => `deliveries/0-${rowOf(inbox, Math.floor(Math.random() * inbox.size))}`),
    [STATUS]: asked(() => "status"),
    [METRICS]: asked(() => "metrics"),
    [EVENT]: async () => {
      await origin.ask({ reset: true });
      const from = performance.now();
      await post(url);
      await origin.ask({ until: 1 });
      return performance.now() - from;
    },
  };
}

/** Does `work` while it posts events one after the other. Returns how long the events waited for their answers, in ms. */
async function meanwhile(url, work) {
  let working = true;
  const from = performance.now();
  const done = work().finally(() => (working = false));
  const waits = [];
  while (working) waits.push(await post(url));
  const result = await done;
  return { ...result, ms: performance.now() - from, events: waits.length, medianMs: median(waits), longestMs: Math.max(...waits) };
}

/** Measures inboxes of all sizes in `rounds` rounds, and then how much long work delays events in the largest one. */
export async function growth({ origin, urls, folder, rounds = 51 }) {
  const storage = mkdtempSync(join(folder, "growth-"));
  const named = (size) => `edge-${size}`;
  const workers = Object.fromEntries(
    SIZES.map((size) => [named(size), ours({ ORIGIN_URL: urls.quick, ADMIN_TOKEN: TOKEN })]),
  );
  /** Runs `work` with the Workers, whose URLs `urlOf` returns by size. */
  const running = async (work) => {
    const { urls, stop } = await startWorkers(workers, storage);
    try {
      return await work((size) => urls[named(size)]);
    } finally {
      await stop();
    }
  };
  const folderOf = (size) => join(storage, `${named(size)}-Inbox`);

  await running(async (urlOf) => {
    for (const size of SIZES) {
      await post(urlOf(size));
      while ((await json(urlOf(size), "status")).deliveries.delivered === 0);
    }
  });
  const from = performance.now();
  const inboxes = SIZES.map((size) => fill(folderOf(size), size));
  const buildMs = performance.now() - from;

  const times = Object.fromEntries(SIZES.map((size) => [size, {}]));
  const note = (size, name, ms) => (times[size][name] ??= []).push(ms);
  for (let start = 0; start < STARTS; start++) {
    await running(async (urlOf) => {
      for (const size of shuffled(SIZES)) note(size, FIRST_STATUS, (await ask(urlOf(size), "status")).ms);
    });
  }
  const bytes = {};
  await running(async (urlOf) => {
    const asked = inboxes.map((inbox) => ({ ...inbox, all: questions(origin, urlOf(inbox.size), inbox) }));
    for (let round = -1; round < rounds; round++) {
      for (const name of Object.keys(asked[0].all)) {
        for (const { size, all } of shuffled(asked)) {
          const ms = await all[name]();
          if (round >= 0) note(size, name, ms); // the first round is for the compiler
        }
      }
    }
    for (const size of SIZES) bytes[size] = (await json(urlOf(size), "status")).bytes;
  });

  change(folderOf(LARGEST), markDead(`SELECT key FROM deliveries WHERE state = 'delivered' ORDER BY key DESC LIMIT ${DEAD - RARE}`));
  const stalls = await running(async (urlOf) => {
    const url = urlOf(LARGEST);
    const redelivery = await meanwhile(url, () => json(url, "redeliver", { since: 0, until: Date.now() }));
    const erasure = await meanwhile(url, async () => {
      let answer = { erased: 0 };
      for (let call = 0; call < ERASURES; call++) answer = await json(url, "erase", { email: ERASED_EMAIL, cursor: answer.cursor });
      return { searched: ERASURES * 200 };
    });
    return { redelivery, erasure };
  });

  const names = Object.keys(times[LARGEST]);
  return {
    buildMs,
    sizes: SIZES.map((size) => ({
      deliveries: size,
      bytes: bytes[size],
      ms: Object.fromEntries(names.map((name) => [name, median(times[size][name])])),
    })),
    ratios: Object.fromEntries(names.map((name) => [name, compare(times[LARGEST][name], times[SMALLEST][name])])),
    ...stalls,
  };
}
