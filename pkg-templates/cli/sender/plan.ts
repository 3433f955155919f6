// What is sent when many are: events, copies of them, forgeries, in order or not.
import { hex, type Random, random, shuffle, whole } from "./random.js";

/** What a request of a plan is: a copy has the same bytes and signature as one before it. */
export type ItemKind = "event" | "duplicate" | "forgery";

export interface Item {
  readonly kind: ItemKind;
  readonly body: Uint8Array;
  readonly signature: string;
}

export interface PlanOptions {
  /** How many different events. */
  count: number;
  /** How many copies of them are sent besides, of any at random, each after its event. */
  duplicates: number;
  /** How many events with a made-up signature are sent besides. */
  forge: number;
  /** Whether the order is random. */
  shuffled: boolean;
  /** The same choices for the same number. */
  seed: number;
}

/**
 * Plans what to send.
 *
 * @param body - Makes the body of the event with this number, from 0 on.
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

/** Shares a number out over places, at random. */
function spread(from: Random, number: number, places: number): number[] {
  const shares = new Array<number>(places).fill(0);
  for (let left = number; left > 0; left--) {
    const place = whole(from, 0, places - 1);
    shares[place] = (shares[place] ?? 0) + 1;
  }
  return shares;
}
