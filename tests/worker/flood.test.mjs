// Attackers can make the edge write at most 5,000 rows a day in all, for any number of isolates.
import { ok } from "node:assert/strict";
import { test } from "node:test";
import { Log, LogLevel, Miniflare } from "miniflare";
import { worker } from "../../tools/edge.mjs";
import { address, ahead, each, MINUTE, tiny, WALNUT } from "./quarantine.mjs";
import { DURABLE, event, folder, KEY, post, sign, startOrigin } from "./support.mjs";

const ISOLATES = 3;
const NETWORKS = 1000;
const MINUTES_PER_DAY = 24 * 60;
const REQUESTS_PER_MINUTE = 4;
/** The interval of the cron trigger: worker/wrangler.toml. */
const CRON_MINUTES = 5;
/** On the third day, the requests of the first day are deleted, and others replace them. */
const DAYS = 3;
const MOST_ROWS = 5000;

const SIGNATURE = "0".repeat(64);

/** The requests of attackers, in turn: signed events of two sizes, and requests that are rejected for another reason. */
const KINDS = [
  () => ({ body: tiny(), headers: { "x-walnut-signature": SIGNATURE } }),
  () => ({ body: event({ padding: "x".repeat(5000) }), headers: { "x-walnut-signature": SIGNATURE } }),
  () => ({ body: tiny(), headers: { "x-walnut-signature": SIGNATURE }, path: "/Webhook" }),
  () => ({ body: tiny(), headers: { "x-walnut-signature": SIGNATURE } }),
  () => ({ body: "garbage", headers: { "x-walnut-signature": SIGNATURE } }),
  () => ({ body: tiny(), headers: { "x-walnut-signature": SIGNATURE } }),
  () => ({ body: tiny(), headers: {} }),
  () => ({ body: tiny(), headers: { "x-walnut-signature": "x" } }),
];

/** Starts one edge with several isolates and one inbox, like an edge that runs in several places of the world. */
async function isolates(t) {
  const origin = await startOrigin();
  t.after(origin.stop);
  const bindings = { WALNUT_WEBHOOK_KEY: KEY, ORIGIN_URL: origin.url, ALLOW_LOOPBACK: DURABLE.ALLOW_LOOPBACK };
  const names = Array.from({ length: ISOLATES }, (_, n) => `isolate-${n}`);
  const edge = new Miniflare({
    workers: names.map((name, n) => {
      const options = worker(bindings, undefined, ahead(0));
      const INBOX = { className: "Inbox", scriptName: names[0], useSQLite: true };
      return { ...options, name, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }], ...(n > 0 && { durableObjects: { INBOX } }) };
    }),
    durableObjectsPersist: await folder(t),
    host: "127.0.0.1",
    port: 0,
    log: new Log(LogLevel.NONE),
    cf: false,
    handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach((stream) => stream.resume()),
  });
  t.after(() => edge.dispose());
  await edge.ready;
  const urls = await Promise.all(names.map((name) => edge.unsafeGetDirectURL(name)));
  const cron = await edge.getWorker(names[0]);
  return {
    urls,
    cron: () => cron.scheduled(),
    /** Returns the number of rows that each statement has written since the last call. */
    written: async () => (await fetch(new URL("/written", urls[0]))).json(),
  };
}

test("a flood from 1,000 networks writes at most 5,000 rows a day", async (t) => {
  const { urls, cron, written } = await isolates(t);
  const genuine = event();
  await post(new URL("/webhook", urls[0]), genuine, { "x-walnut-signature": sign(genuine), "cf-connecting-ip": WALNUT });
  await written();
  let sent = 0;
  for (let day = 0; day < DAYS; day++) {
    for (let minute = 1; minute <= MINUTES_PER_DAY; minute++) {
      const now = String((day * MINUTES_PER_DAY + minute) * MINUTE);
      await each(Array.from({ length: REQUESTS_PER_MINUTE }), async () => {
        const n = sent++;
        const { body, headers, path = "/webhook" } = KINDS[n % KINDS.length]();
        // A third comes from the known network, which has more room.
        const ip = n % 3 ? address(n % NETWORKS) : WALNUT;
        const { status } = await post(new URL(path, urls[n % ISOLATES]), body, { ...headers, "cf-connecting-ip": ip, "test-ahead": now });
        ok(status === 401 || status === 404, `answered ${status}`);
      });
      if (minute % CRON_MINUTES === 0) await cron();
    }
    const rows = await written();
    const sum = Object.values(rows).reduce((all, count) => all + count, 0);
    t.diagnostic(`day ${day + 1}: ${sum} rows`);
    ok(sum <= MOST_ROWS, `${sum} rows were written on day ${day + 1}: ${JSON.stringify(rows, null, 1)}`);
    ok(sum > 0, "no rows were counted");
  }
});
