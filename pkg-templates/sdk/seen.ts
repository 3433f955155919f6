import { callback, checkOptions, whole } from "./options.js";

/**
 * Remembers which deliveries were handled. Each method may be synchronous or return a promise. If one throws, the response
 * is `store_failed`, so that Walnut sends the event again.
 */
export interface SeenStore {
  /**
   * Begins a delivery if it is new. If several calls with an ID run at the same time, exactly one returns `"new"`.
   *
   * @param leaseMs - How long the delivery is `"busy"`, unless `done` or `release` is called earlier.
   */
  begin(id: string, leaseMs: number): SeenState | PromiseLike<SeenState>;
  /** Records that a delivery was handled. It is awaited before Walnut gets 200. */
  done(id: string): unknown;
  /** Releases a delivery that could not be handled, so that it is new when Walnut sends it again. */
  release(id: string): unknown;
}

/** `new`: to be handled; `busy`: being handled at this moment; `done`: handled. */
export type SeenState = "new" | "busy" | "done";

/** The options of {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** The most ids that are remembered, 1 to 16777216. The default is 100000. */
  maxEntries?: number | undefined;
  /** How long the id of a handled delivery is remembered, in milliseconds. The default is 7 days. */
  maxAge?: number | undefined;
  /** The clock, in milliseconds since the Unix epoch. The default is `Date.now`. */
  now?: (() => number) | undefined;
}

const DEFAULT_ENTRIES = 100_000;
const DEFAULT_AGE_MS = 7 * 24 * 60 * 60 * 1000;
/** The most entries that a `Map` can hold. */
const LARGEST_MAP = 2 ** 24;

/**
 * Remembers handled deliveries in the memory of this process, until it ends. Several processes need a store that they
 * share.
 *
 * @example
 * const options = { seen: new MemoryStore() };
 */
export class MemoryStore implements SeenStore {
  readonly #maxEntries: number;
  readonly #maxAge: number;
  readonly #now: () => number;
  /** When each delivery was handled, by ID, in ascending order. */
  readonly #done = new Map<string, number>();
  /** When each lease ends, by ID. */
  readonly #busy = new Map<string, number>();

  /** @throws RangeError when a number is out of its range; TypeError when an option is of the wrong type or misspelt. */
  constructor(options: MemoryStoreOptions = {}) {
    checkOptions("MemoryStore", options, ["maxEntries", "maxAge", "now"], "{ maxEntries: 100000 }");
    this.#maxEntries = whole("maxEntries", options.maxEntries, DEFAULT_ENTRIES, 1, LARGEST_MAP);
    this.#maxAge = whole("maxAge", options.maxAge, DEFAULT_AGE_MS, 1, Number.MAX_SAFE_INTEGER);
    this.#now = callback("now", options.now, Date.now);
  }

  /** @throws Error when the store is full because every delivery in it is being handled. */
  begin(id: string, leaseMs: number): SeenState {
    const now = this.#now();
    this.#forgetOld(now);
    if (this.#done.has(id)) return "done";
    if ((this.#busy.get(id) ?? 0) > now) return "busy";
    this.#busy.delete(id);
    this.#makeRoom(now);
    this.#busy.set(id, now + leaseMs);
    return "new";
  }

  done(id: string): void {
    const now = this.#now();
    this.#busy.delete(id);
    // Deleted first, so that `set` puts it at the end.
    this.#done.delete(id);
    this.#makeRoom(now);
    this.#done.set(id, now);
  }

  release(id: string): void {
    this.#busy.delete(id);
  }

  #forgetOld(now: number): void {
    for (const [id, since] of this.#done) {
      if (now - since < this.#maxAge) return;
      this.#done.delete(id);
    }
  }

  /** Removes entries if the store is full: leases that have ended, or else the delivery that was handled longest ago. */
  #makeRoom(now: number): void {
    if (this.#busy.size + this.#done.size < this.#maxEntries) return;
    for (const [id, until] of this.#busy) if (until <= now) this.#busy.delete(id);
    if (this.#busy.size + this.#done.size < this.#maxEntries) return;
    for (const id of this.#done.keys()) {
      this.#done.delete(id);
      return;
    }
    const limit = this.#maxEntries;
    throw new Error(`${limit} deliveries, the limit of maxEntries, are being handled. Raise maxEntries.`);
  }
}
