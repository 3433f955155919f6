// Pulls deliveries from an edge's admin API: what the edge has verified, as it comes there.
import { SIGNATURE_HEADER } from "../sender/headers.js";
import { pause } from "../sender/run.js";
import { Failure, reason, NOT_RUN } from "../failure.js";
import { plain, warn } from "../terminal.js";
import type { Arrival, Known } from "./intake.js";

/** The most that the API lists at once. */
const PAGE = 200;

/** How long one question may take, in milliseconds. */
const TIMEOUT_MS = 30_000;

/** Shards have clocks of their own: so far back, in milliseconds, what came since is looked for again. */
const OVERLAP_MS = 60_000;

/** A row of the delivery log, as far as it is used. */
interface Row extends Known {
  readonly deliveryId: string;
  readonly kind: string;
  readonly state: string;
  /** Milliseconds since the Unix epoch. */
  readonly received: number;
}

export class Edge {
  readonly #seen = new Map<string, number>();
  #since: number;

  /** `since` is in milliseconds since the Unix epoch. */
  constructor(
    readonly url: URL,
    readonly token: string,
    since: number,
    readonly signal: AbortSignal,
  ) {
    this.#since = since;
  }

  /** Hands over what has come since the last time, the oldest first. */
  async pull(take: (arrival: Arrival, known: Known) => Promise<void>): Promise<void> {
    for (const row of await this.#news()) {
      const arrival = await this.#arrival(row);
      if (arrival !== undefined) await take(arrival, row);
      // From here on: were it before, what could not be taken would be lost.
      this.#seen.set(row.deliveryId, row.received);
      this.#since = Math.max(this.#since, row.received - OVERLAP_MS);
      if (this.signal.aborted) return;
    }
    for (const [id, received] of this.#seen) if (received < this.#since) this.#seen.delete(id);
  }

  async #news(): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = null;
    do {
      const query: string = new URLSearchParams({ since: String(this.#since), limit: String(PAGE), ...(cursor !== null && { cursor }) }).toString();
      const page = await this.#askJson<{ deliveries: Row[]; cursor: string | null }>(`deliveries?${query}`);
      if (!Array.isArray(page?.deliveries)) throw odd();
      rows.push(...page.deliveries);
      cursor = page.cursor ?? null;
    } while (cursor !== null);
    // What differs under an id that is known is not sent by the edge either; a test event is, each time it comes.
    return rows.filter(({ deliveryId, kind }) => kind !== "variant" && !this.#seen.has(deliveryId)).reverse();
  }

  /** Gets a delivery with its body, or nothing where that is gone. */
  async #arrival({ deliveryId, received }: Row): Promise<Arrival | undefined> {
    const one = await this.#askJson<{ contentType: string | null; signature: string | null }>(`deliveries/${deliveryId}`);
    if (one?.contentType === undefined || one.signature === undefined) throw odd();
    // It may go in between, and what is erased or forgotten has lost its signature, too.
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

function odd(): Failure {
  return new Failure("edge_failed", "the response is not from the admin API of an edge", NOT_RUN);
}

/** Pulls again and again, until the signal aborts. That the first time fails is thrown; later, it is said and tried again. */
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
