import { post, type Posted } from "../post.js";
import type { Probe } from "./probes.js";

/** How long to wait for a response, in milliseconds; `patience` is for the slow client. */
export interface Patience {
  readonly timeout: number;
  readonly patience: number;
}

/** A probe and its result. */
export interface Examined {
  readonly probe: Probe;
  readonly attempt: Posted;
}

/** How many probes are in flight at once, not counting the slow client. */
const CONCURRENCY = 4;

/**
 * Sends the probes, and calls `onResult` after each. The first is sent alone, since the others are compared with it, and
 * the others are skipped if `isEnough`. The slow client is sent at the same time as the remaining probes.
 */
export async function examine(
  url: URL,
  [first, ...others]: readonly [Probe, ...Probe[]],
  { timeout, patience }: Patience,
  signal: AbortSignal,
  onResult: () => void,
  isEnough: (first: Examined) => boolean,
): Promise<Examined[]> {
  const send = async (probe: Probe): Promise<Examined> => {
    const { headers, body, length, kind } = probe;
    const attempt = await post(url, { headers, body, length, signal, timeout: kind === "slow" ? patience : timeout });
    onResult();
    return { probe, attempt };
  };
  const good = await send(first);
  if (isEnough(good)) return [good];
  const results = new Map<Probe, Examined>();
  const waiting = others.filter(({ kind }) => kind !== "slow");
  const keep = async (probe: Probe | undefined) => {
    if (probe !== undefined && !signal.aborted) results.set(probe, await send(probe));
  };
  const worker = async () => {
    while (waiting.length > 0) await keep(waiting.shift());
  };
  await Promise.all([keep(others.find(({ kind }) => kind === "slow")), ...Array.from({ length: CONCURRENCY }, worker)]);
  return [good, ...others.flatMap((probe) => results.get(probe) ?? [])];
}
