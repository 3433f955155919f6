// Measures Workers. In each round, each candidate has a turn under the same load. The order differs in each round.
import { createHmac } from "node:crypto";
import { body, KEY } from "../bodies.mjs";
import { compare, median, shuffled } from "../rounds.mjs";

/** How long a turn lasts, in ms. */
const TURN_MS = 500;
/** How long each candidate runs before its first turn, so that its code is compiled, in ms. */
const WARM_UP_MS = 600;

/** Stops the benchmark unless a candidate distinguishes genuine from forged requests. */
export async function ready(name, url, verifies = true) {
  const bytes = body(1024);
  const sign = (key) => createHmac("sha256", key).update(bytes).digest("hex");
  const post = async (signature) => {
    const headers = { "content-type": "application/json", "x-walnut-signature": signature };
    const answer = await fetch(url, { method: "POST", body: bytes, headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  const good = await post(sign(KEY));
  if (good !== 200) throw new Error(`${name} answers ${good} to a genuine request`);
  const forged = verifies ? await post(sign("another key")) : 401;
  if (forged !== 401) throw new Error(`${name} answers ${forged} to a forged request`);
}

/**
 * Measures `candidates`, `{ name, url, after? }`, under each of `loads`, `{ size, connections }`, in `count` rounds.
 * Returns for each load and candidate the requests a second, the latencies in ms, and the share of time in which workerd
 * and the load used a core, by round. `after(sent)` is awaited after a turn, and is not timed.
 */
export async function traffic({ candidates, loads, load, count, cpuMs }) {
  const turn = async ({ url, after }, how, requests) => {
    const from = cpuMs();
    const { ms, p50, p99, cpuMs: loadMs } = await load.ask({ url, ...how, count: requests });
    const workerdMs = cpuMs() - from;
    await after?.(requests);
    return { ms, rate: (requests / ms) * 1000, p50, p99, busy: workerdMs / ms, loadBusy: loadMs / ms };
  };
  const measured = [];
  for (const how of loads) {
    const turns = [];
    for (const candidate of candidates) {
      const requests = await calibrate((requests) => turn(candidate, how, requests), how.connections);
      turns.push({ candidate, requests, rounds: [] });
    }
    measured.push({ ...how, turns });
  }
  for (let round = 0; round < count; round++) {
    for (const { turns, ...how } of measured) {
      for (const { candidate, requests, rounds } of shuffled(turns)) rounds.push(await turn(candidate, how, requests));
    }
  }
  return measured;
}

/** Finds how many requests fill a turn. */
async function calibrate(turn, connections) {
  let requests = connections * 4;
  let total = 0;
  for (;;) {
    const { ms } = await turn(requests);
    total += ms;
    if (total >= WARM_UP_MS) return Math.ceil((requests * TURN_MS) / ms);
    requests *= 2;
  }
}

/**
 * Returns the results by load: absolute numbers, and the ratio of `ours` to each other candidate. Above 1, ours is faster.
 */
export function summary(measured, ours) {
  return measured.map(({ size, connections, turns }) => {
    const all = Object.fromEntries(turns.map(({ candidate, rounds }) => [candidate.name, rounds]));
    const rates = (name) => all[name].map(({ rate }) => rate);
    const candidates = {};
    for (const [name, rounds] of Object.entries(all)) {
      const middle = (metric) => median(rounds.map((round) => round[metric]));
      candidates[name] = {
        rate: middle("rate"),
        p50Ms: middle("p50"),
        p99Ms: middle("p99"),
        workerdBusy: middle("busy"),
        loadBusy: middle("loadBusy"),
      };
      if (name !== ours) candidates[name].ratio = compare(rates(ours), rates(name));
    }
    return { size, connections, candidates };
  });
}
