// Measures how long `edge start` takes until it answers, by the number of stored deliveries.
import { join } from "node:path";
import { multiply } from "../../tests/worker/storage.mjs";
import { cpuMs } from "../edge/workers.mjs";
import { compare, median, shuffled } from "../rounds.mjs";
import { countDeliveries, postEvent, spawnEdge, stopEdge } from "./edge.mjs";

/** The deliveries arrived in these days at equal intervals, so that none of them expires. */
const DAYS = 5;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The wait before the next try, in ms. */
const RETRY_MS = 5;

/** Waits until `request` returns the status 200. */
async function succeeds(request) {
  while ((await request().catch(() => undefined)) !== 200) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

/** Makes a data folder with `stored` deliveries. Returns it with the port that its edge had. */
async function fill({ folder, destination, stored }) {
  const data = join(folder, `stored-${stored}`);
  const edge = spawnEdge({ data, port: 0, destination });
  const { url } = await edge.started;
  await postEvent(url);
  while ((await countDeliveries(url)).delivered === 0);
  await stopEdge(edge);
  if (stored > 1) multiply(data, stored - 1, Math.floor((DAYS * DAY_MS) / stored));
  return { data, port: new URL(url).port, stored };
}

/** Starts the edge. Returns it, the ms until it answered and until it accepted an event, and the CPU time for both in ms. */
async function time({ data, port, destination }) {
  const url = `http://127.0.0.1:${port}`;
  const from = performance.now();
  const edge = spawnEdge({ data, port, destination });
  const failed = edge.started.then(() => new Promise(() => {})); // rejects if the edge does not start
  const until = (request) => Promise.race([succeeds(request), failed]);
  await until(async () => (await fetch(`${url}/healthz`)).status);
  const healthy = performance.now() - from;
  await until(() => postEvent(url));
  const accepted = performance.now() - from;
  await edge.started;
  return { edge, times: { healthy, accepted, cpu: cpuMs(edge.pid) + cpuMs(edge.workerd()) } };
}

const ENDS = {
  stop: stopEdge,
  async kill(edge) {
    process.kill(edge.workerd(), "SIGKILL");
    edge.kill("SIGKILL");
    await edge.ended;
  },
};

/** Measures starts with one delivery and with `stored`, after each way to end. */
export async function starts({ folder, destination, stored, rounds }) {
  const folders = [];
  for (const size of [1, stored]) folders.push(await fill({ folder, destination, stored: size }));
  const times = folders.map(() => Object.fromEntries(Object.keys(ENDS).map((end) => [end, { healthy: [], accepted: [], cpu: [] }])));
  let after = folders.map(() => "stop");
  for (let round = 0; round < rounds * 2; round++) {
    const end = round % 2 === 0 ? "kill" : "stop";
    for (const index of shuffled([...folders.keys()])) {
      const { edge, times: measured } = await time({ ...folders[index], destination });
      for (const [name, ms] of Object.entries(measured)) times[index][after[index]][name].push(ms);
      await ENDS[end](edge);
    }
    after = after.map(() => end);
  }
  const summary = (all) => ({ median: median(all), longest: Math.max(...all) });
  return folders.flatMap(({ stored }, index) =>
    Object.entries(times[index]).map(([end, { healthy, accepted, cpu }]) => ({
      stored,
      after: end,
      healthy: summary(healthy),
      accepted: summary(accepted),
      cpu: summary(cpu),
      ...(index > 0 && { ratio: compare(cpu, times[0][end].cpu).ratio }),
    })),
  );
}
