// Gets verified deliveries from the admin API of an edge, as they arrive there.
import { SIGNATURE_HEADER } from "../sender/headers.js";
import { pause } from "../sender/run.js";
import { Failure, reason, NOT_RUN } from "../failure.js";
import { plain, warn } from "../terminal.js";
import type { Arrival, Known } from "./intake.js";

/** The length of the first page, which is usually enough, and of each further one: the limit of the API. */
const [FIRST_PAGE, PAGE] = [20, 200];

/** The limit on one request, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** The clocks of shards differ: each pull goes back this far, in milliseconds, behind the newest delivery. */
const OVERLAP_MS = 60_000;

/** The edge numbers the rows of its log by the time of their arrival there, so many in a millisecond: `worker/src/ids.rs`. */
const ROWS_PER_MS = 2048;

/** The used fields of a row in the delivery log. */
interface Row extends Known {
  readonly deliveryId: string;
  readonly kind: string;
  readonly state: string;
  /** Milliseconds since the Unix epoch. It is no order of the log: what the quarantine kept was received much earlier. */
  readonly received: number;
}

export class Edge {
  /** The deliveries that were pulled, with the time of their arrival in the log. */
  readonly #seen = new Map<string, number>();
  #since: number;

  /** Pulls what arrives in the log from `since`, in milliseconds since the Unix epoch. */
  constructor(
    readonly url: URL,
    readonly token: string,
    since: number,
    readonly signal: AbortSignal,
  ) {
    this.#since = since;
  }

  /** Calls `take` with each new delivery, in the order of the log. */
  async pull(take: (arrival: Arrival, known: Known) => Promise<void>): Promise<void> {
    for (const row of await this.#news()) {
      const arrival = await this.#arrival(row);
      if (arrival !== undefined) await take(arrival, row);
      // Only now: a delivery that `take` failed on is pulled again.
      const logged = loggedAt(row);
      this.#seen.set(row.deliveryId, logged);
      this.#since = Math.max(this.#since, logged - OVERLAP_MS);
      if (this.signal.aborted) return;
    }
    for (const [id, logged] of this.#seen) if (logged < this.#since) this.#seen.delete(id);
  }

  async #news(): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = null;
    let isOlder = false;
    do {
      const query: string = new URLSearchParams(cursor === null ? { limit: String(FIRST_PAGE) } : { limit: String(PAGE), cursor }).toString();
      const page = await this.#askJson<{ deliveries: Row[]; cursor: string | null }>(`deliveries?${query}`);
      if (!Array.isArray(page?.deliveries)) throw odd();
      const news = page.deliveries.filter((row) => loggedAt(row) >= this.#since);
      rows.push(...news);
      isOlder = news.length < page.deliveries.length;
      cursor = page.cursor ?? null;
    } while (cursor !== null && !isOlder);
    // The edge does not forward a variant, which has a known id and another body. It forwards every test event.
    return rows.filter(({ deliveryId, kind }) => kind !== "variant" && !this.#seen.has(deliveryId)).reverse();
  }

  /** Gets a delivery with its body; `undefined` if the body no longer exists. */
  async #arrival({ deliveryId, received }: Row): Promise<Arrival | undefined> {
    const one = await this.#askJson<{ contentType: string | null; signature: string | null }>(`deliveries/${deliveryId}`);
    if (one?.contentType === undefined || one.signature === undefined) throw odd();
    // It may be erased between the two requests. An erased or expired delivery has no signature either.
    const { status, bytes } = await this.#ask(`deliveries/${deliveryId}/body`, [409]);
    if (status === 409 || one.signature === null) {
      warn(`the edge no longer has the body of ${plain(deliveryId)}: this delivery is skipped`);
      return undefined;
    }
    const type = one.contentType === null ? [] : [["content-type", one.contentType] as const];
    return {
      at: new Date(received),
      method: "POST",
      url: "/webhook",
      headers: [...type, [SIGNATURE_HEADER, one.signature]],
      body: bytes,
    };
  }

  async #askJson<T>(path: string): Promise<T | null> {
    const { bytes } = await this.#ask(path);
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw odd();
    }
  }

  async #ask(path: string, allowed: readonly number[] = []): Promise<{ status: number; bytes: Uint8Array }> {
    let answer: Response;
    let bytes: Uint8Array;
    try {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      answer = await fetch(new URL(`/admin/${path}`, this.url), { headers: { authorization: `Bearer ${this.token}` }, redirect: "manual", signal });
      bytes = new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      throw new Failure("edge_unreachable", `the edge can't be reached: ${reason((error as Error).cause ?? error)}`, NOT_RUN);
    }
    const { status } = answer;
    if (answer.ok || allowed.includes(status)) return { status, bytes };
    if (status === 401) throw new Failure("unauthorized", "the edge rejected the token: ADMIN_TOKEN must be the same as at the edge", NOT_RUN);
    if (status === 404) throw new Failure("no_delivery_log", "the edge has no delivery log: set its ADMIN_TOKEN, and leave its MODE at durable", NOT_RUN);
    throw new Failure("edge_failed", `the edge responded with status ${status}`, NOT_RUN);
  }
}

/** Returns when a delivery arrived in the log, in milliseconds since the Unix epoch. */
function loggedAt({ deliveryId }: Row): number {
  const row = /^\d+-(\d+)$/.exec(deliveryId)?.[1];
  if (row === undefined) throw odd();
  return Math.floor(Number(row) / ROWS_PER_MS);
}

function odd(): Failure {
  return new Failure("edge_failed", "the response is not from the admin API of an edge", NOT_RUN);
}

/** Pulls until the signal aborts. A failure of the first pull is thrown; later ones are warnings, and are retried. */
export async function follow(edge: Edge, interval: number, take: (arrival: Arrival, known: Known) => Promise<void>): Promise<void> {
  let isFirst = true;
  let last = "";
  while (!edge.signal.aborted) {
    try {
      await edge.pull(take);
      last = "";
    } catch (error) {
      if (edge.signal.aborted) return;
      if (isFirst || !(error instanceof Failure)) throw error;
      if (error.message !== last) warn(`${error.message}. It will be tried again`);
      last = error.message;
    }
    isFirst = false;
    await pause(interval, edge.signal);
  }
}
