// Gets verified deliveries from the admin API of an edge as they arrive.
import { SIGNATURE_HEADER } from "../sender/headers.js";
import { pause } from "../sender/run.js";
import { Failure, reason, NOT_RUN } from "../failure.js";
import { plain, warn } from "../terminal.js";
import type { Arrival, Known } from "./intake.js";

/** The length of the first page, which is usually enough, and of each further page, which is the limit of the API. */
const [FIRST_PAGE, PAGE] = [20, 200];

/** The limit on one request, in milliseconds. The wait of the edge is added to it. */
const TIMEOUT_MS = 30_000;

/** How long the edge waits for a new delivery before it responds, in milliseconds: its maximum. */
const WAIT_MS = 25_000;

/** How far each pull goes back behind the newest delivery, in milliseconds, because the clocks of shards differ. */
const OVERLAP_MS = 60_000;

/** How many row numbers the edge has for each millisecond. It numbers a row by its time of arrival: `worker/src/ids.rs`. */
const ROWS_PER_MS = 2048;

/** The used fields of a row in the delivery log. */
interface Row extends Known {
  readonly deliveryId: string;
  readonly kind: string;
  readonly state: string;
  /**
   * Milliseconds since the Unix epoch. The log is not in this order: requests from the quarantine were received much
   * earlier.
   */
  readonly received: number;
}

/** A page of the delivery log. `newest` changes with each delivery that the edge stores. */
interface Page {
  readonly deliveries: Row[];
  readonly cursor: string | null;
  readonly newest?: string;
}

export class Edge {
  /** The deliveries that were pulled, with the time of their arrival in the log. */
  readonly #seen = new Map<string, number>();
  #since: number;
  #newest: string | undefined;
  #canWait = true;

  /** Pulls the deliveries that arrive in the log from `since` on, in milliseconds since the Unix epoch. */
  constructor(
    readonly url: URL,
    readonly token: string,
    since: number,
    readonly signal: AbortSignal,
  ) {
    this.#since = since;
  }

  /** Whether the edge can wait for a new delivery, as far as is known. An older edge can't. */
  get canWait(): boolean {
    return this.#canWait;
  }

  /**
   * Calls `handle` with each new delivery, in the order of the log, and returns whether there was one. With `wait`, the
   * edge waits for one before it responds.
   */
  async pull(handle: (arrival: Arrival, known: Known) => Promise<void>, wait: boolean): Promise<boolean> {
    const { rows, newest } = await this.#newRows(wait);
    for (const row of rows) {
      const arrival = await this.#arrival(row);
      if (arrival !== undefined) await handle(arrival, row);
      // After `handle`, so that a delivery is pulled again if `handle` throws.
      const logged = loggedAt(row);
      this.#seen.set(row.deliveryId, logged);
      this.#since = Math.max(this.#since, logged - OVERLAP_MS);
      if (this.signal.aborted) return true;
    }
    for (const [id, logged] of this.#seen) if (logged < this.#since) this.#seen.delete(id);
    this.#newest = newest;
    return rows.length > 0;
  }

  async #newRows(wait: boolean): Promise<{ rows: Row[]; newest: string | undefined }> {
    const rows: Row[] = [];
    let newest: string | undefined;
    let cursor: string | null = null;
    let isOlder = false;
    do {
      const page: Page = await (cursor === null ? this.#firstPage(wait) : this.#page({ limit: String(PAGE), cursor }));
      if (cursor === null) newest = page.newest;
      const newRows = page.deliveries.filter((row) => loggedAt(row) >= this.#since);
      rows.push(...newRows);
      isOlder = newRows.length < page.deliveries.length;
      cursor = page.cursor ?? null;
    } while (cursor !== null && !isOlder);
    // The edge does not forward a variant, which has a known id and another body. It forwards every test event.
    return { rows: rows.filter(({ deliveryId, kind }) => kind !== "variant" && !this.#seen.has(deliveryId)).reverse(), newest };
  }

  async #firstPage(wait: boolean): Promise<Page> {
    const query = { limit: String(FIRST_PAGE) };
    if (wait && this.#canWait) {
      const waiting = { ...query, wait: `${WAIT_MS / 1000}s`, ...(this.#newest !== undefined && { newest: this.#newest }) };
      const { status, bytes } = await this.#ask(`deliveries?${new URLSearchParams(waiting)}`, [400], WAIT_MS);
      if (status !== 400) return toPage(parse(bytes));
      this.#canWait = false;
    }
    return this.#page(query);
  }

  async #page(query: Record<string, string>): Promise<Page> {
    return toPage(parse((await this.#ask(`deliveries?${new URLSearchParams(query)}`)).bytes));
  }

  /** Gets a delivery with its body; `undefined` if the body no longer exists. */
  async #arrival({ deliveryId, received }: Row): Promise<Arrival | undefined> {
    const one = parse<{ contentType: string | null; signature: string | null }>((await this.#ask(`deliveries/${deliveryId}`)).bytes);
    if (one?.contentType === undefined || one.signature === undefined) throw notAnEdge();
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

  async #ask(path: string, allowed: readonly number[] = [], wait = 0): Promise<{ status: number; bytes: Uint8Array }> {
    let answer: Response;
    let bytes: Uint8Array;
    try {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(wait + TIMEOUT_MS)]);
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

function parse<T>(bytes: Uint8Array): T | null {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw notAnEdge();
  }
}

function toPage(page: Page | null): Page {
  if (!Array.isArray(page?.deliveries)) throw notAnEdge();
  return page;
}

/** Returns the time at which a delivery arrived in the log, in milliseconds since the Unix epoch. */
function loggedAt({ deliveryId }: Row): number {
  const row = /^\d+-(\d+)$/.exec(deliveryId)?.[1];
  if (row === undefined) throw notAnEdge();
  return Math.floor(Number(row) / ROWS_PER_MS);
}

function notAnEdge(): Failure {
  return new Failure("edge_failed", "the response is not from the admin API of an edge", NOT_RUN);
}

/**
 * Pulls until the signal aborts. A failure of the first pull is thrown; later ones are warnings, and are retried.
 *
 * An edge that can wait gets the next request as soon as it has responded. Any other edge gets it after `interval`
 * milliseconds, and less often while no delivery arrives or while it fails.
 */
export async function follow(
  edge: Pick<Edge, "pull" | "canWait" | "signal">,
  interval: number,
  handle: (arrival: Arrival, known: Known) => Promise<void>,
): Promise<void> {
  let isFirst = true;
  let succeeded = false;
  let last = "";
  let delay = interval;
  while (!edge.signal.aborted) {
    const began = Date.now();
    const waits = succeeded;
    let hasNews = false;
    succeeded = false;
    try {
      hasNews = await edge.pull(handle, waits);
      succeeded = true;
      last = "";
    } catch (error) {
      if (edge.signal.aborted) return;
      if (isFirst || !(error instanceof Failure)) throw error;
      if (error.message !== last) warn(`${error.message}. It will be tried again`);
      last = error.message;
    }
    isFirst = false;
    const isAnswered = succeeded && edge.canWait && (hasNews || !waits || Date.now() - began >= WAIT_MS);
    if (isAnswered || hasNews) delay = interval;
    if (isAnswered) continue;
    await pause(delay, edge.signal);
    delay = Math.max(interval, Math.min(2 * delay, WAIT_MS));
  }
}
