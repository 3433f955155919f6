// What a receiver calls with a delivery: one function, or an object with one for each event.
import { EVENT_NAMES } from "./contract.js";
import type { Delivery, DemoDelivery, PlaylistDelivery } from "./delivery.js";
import { callback, kind, nearest } from "./options.js";

/** A function that handles a delivery. A promise that it returns is awaited before Walnut gets its response. */
export type DeliveryHandler<D extends Delivery, Context> = (delivery: D, context: Context) => unknown;

/**
 * A function for each event, by the event's name.
 *
 * An event whose shape differs from its documentation also goes to the function of its name: then `delivery.drift`
 * lists the differences, and `delivery.type` is `unknown`.
 */
export interface EventHandlers<Context> {
  demo_session_finished?: DeliveryHandler<DemoDelivery, Context> | undefined;
  playlist_session_finished?: DeliveryHandler<PlaylistDelivery, Context> | undefined;
  /** Handles every other event. */
  otherwise?: DeliveryHandler<Delivery, Context> | undefined;
}

/** What handles deliveries: a function for all of them, or an object with a function for each event. */
export type OnDelivery<Context> = DeliveryHandler<Delivery, Context> | EventHandlers<Context>;

export interface UnhandledOptions<Context> {
  /**
   * Is called with each delivery that `onDelivery`, an object, has no function for. If it resolves, Walnut gets 200.
   * By default, one line for each name of an event is logged.
   */
  onUnhandled?: DeliveryHandler<Delivery, Context> | undefined;
}

const OTHERWISE = "otherwise";
const ENTRIES: readonly string[] = [...EVENT_NAMES, OTHERWISE];

/** How many names of events the default log remembers. */
const MAX_LOGGED_NAMES = 100;

/**
 * Makes the function that handles every delivery.
 *
 * @throws TypeError when `onDelivery` is neither a function nor an object of functions, or has a misspelt name.
 */
export function dispatcher<Context>(
  onDelivery: OnDelivery<Context>,
  options: UnhandledOptions<Context>,
): DeliveryHandler<Delivery, Context> {
  const onUnhandled = callback("onUnhandled", options.onUnhandled, logger());
  if (typeof onDelivery === "function") return onDelivery;
  if (typeof onDelivery !== "object" || onDelivery === null) {
    throw new TypeError(
      `onDelivery must be a function, or an object with a function for each event, but is ${kind(onDelivery)}.`,
    );
  }
  // A Map, since a name such as "constructor" must not be looked up in a prototype.
  const byName = new Map<string | null, DeliveryHandler<Delivery, Context>>();
  for (const [name, entry] of Object.entries(onDelivery)) {
    const near = ENTRIES.includes(name) ? undefined : nearest(name, ENTRIES);
    if (near !== undefined) throw new TypeError(`onDelivery has an entry "${name}". Did you mean "${near}"?`);
    if (entry === undefined) continue;
    byName.set(name, callback(`The entry "${name}" of onDelivery`, entry, entry));
  }
  if (byName.size === 0) throw new TypeError(`onDelivery has no function. Give it an entry such as ${ENTRIES.join(", ")}.`);
  const otherwise = byName.get(OTHERWISE) ?? onUnhandled;
  byName.delete(OTHERWISE);
  return (delivery, context) => (byName.get(delivery.name) ?? otherwise)(delivery, context);
}

/** Logs one line for each name of an event. */
function logger(): (delivery: Delivery) => void {
  const logged = new Set<string | null>();
  return ({ name }) => {
    if (logged.has(name) || logged.size >= MAX_LOGGED_NAMES) return;
    logged.add(name);
    const event = name === null ? "an event without a name" : `the event ${JSON.stringify(name)}`;
    console.warn(`walnut-webhooks: acknowledged ${event}, which onDelivery has no entry for. Add one, or "${OTHERWISE}".`);
  };
}
