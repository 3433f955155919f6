// Plans a run of events, copies of them and forgeries, in order or shuffled.
import { hex, type Random, random, shuffle, whole } from "./random.js";

/** The kind of a request. A duplicate has the same bytes and the same signature as an event. */
export type ItemKind = "event" | "duplicate" | "forgery";

export interface Item {
  readonly kind: ItemKind;
  readonly body: Uint8Array;
  readonly signature: string;
}

export interface PlanOptions {
  /** How many different events. */
  count: number;
  /** How many copies of random events to add. Without `shuffled`, a copy follows its event. */
  duplicates: number;
  /** How many events with a made-up signature to add. */
  forge: number;
  /** Whether the order is random. */
  shuffled: boolean;
  /** The same number gives the same plan. */
  seed: number;
}

/**
 * Creates a plan.
 *
 * @param body - Creates the body of the event with this number, from 0.
 * @param sign - Signs a body as Walnut does.
 */
export function plan(options: PlanOptions, body: (index: number) => Uint8Array, sign: (body: Uint8Array) => string): Item[] {
  const from = random(options.seed);
  const items: Item[] = [];
  const copies = spread(from, options.duplicates, options.count);
  const forgeries = spread(from, options.forge, options.count);
  for (let index = 0; index < options.count; index++) {
    const bytes = body(index);
    const event: Item = { kind: "event", body: bytes, signature: sign(bytes) };
    items.push(event);
    for (let copy = 0; copy < (copies[index] ?? 0); copy++) items.push({ ...event, kind: "duplicate" });
    for (let forgery = 0; forgery < (forgeries[index] ?? 0); forgery++) {
      items.push({ kind: "forgery", body: bytes, signature: hex(from, 64) });
    }
  }
  return options.shuffled ? shuffle(from, items) : items;
}

/** Distributes a number over places, at random. */
function spread(from: Random, number: number, places: number): number[] {
  const shares = new Array<number>(places).fill(0);
  for (let left = number; left > 0; left--) {
    const place = whole(from, 0, places - 1);
    shares[place] = (shares[place] ?? 0) + 1;
  }
  return shares;
}
