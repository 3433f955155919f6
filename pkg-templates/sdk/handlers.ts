// The functions that a receiver calls with a delivery: one for all events, or an object with one for each event.
import { EVENT_NAMES } from "./contract.js";
import type { Delivery, DemoDelivery, PlaylistDelivery } from "./delivery.js";
import { callback, isPlain, kind, nearest } from "./options.js";

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

/** A function for all deliveries, or an object with a function for each event. */
export type OnDelivery<Context> = DeliveryHandler<Delivery, Context> | EventHandlers<Context>;

export interface UnhandledOptions<Context> {
  /**
   * Handles each delivery for which an `onDelivery` object has no function. If it resolves, Walnut gets 200.
   * By default, one line for each event name is logged.
   */
  onUnhandled?: DeliveryHandler<Delivery, Context> | undefined;
}

const OTHERWISE = "otherwise";
const ENTRIES: readonly string[] = [...EVENT_NAMES, OTHERWISE];

/** How many event names a log remembers. */
const MAX_LOGGED_NAMES = 100;

/** How many differences from the documentation a log line lists. */
const MAX_LOGGED_PLACES = 5;

/**
 * Makes the function that handles every delivery.
 *
 * @throws TypeError when `onDelivery` is neither a function nor an object of functions, or has a misspelt name.
 */
export function dispatcher<Context>(
  onDelivery: OnDelivery<Context>,
  options: UnhandledOptions<Context>,
  optionNames: readonly string[],
): DeliveryHandler<Delivery, Context> {
  const onUnhandled = callback("onUnhandled", options.onUnhandled, logger(describeUnhandled));
  if (typeof onDelivery === "function") return onDelivery;
  if (!isPlain(onDelivery)) {
    throw new TypeError(
      `onDelivery must be a function, or an object literal with a function for each event, but is ${kind(onDelivery)}.`,
    );
  }
  // A Map, since a name such as "constructor" must not be looked up in a prototype.
  const byName = new Map<string | null, DeliveryHandler<Delivery, Context>>();
  for (const [name, entry] of Object.entries(onDelivery)) {
    if (optionNames.includes(name)) throw new TypeError(`"${name}" is an option, not an event. Pass the options after onDelivery.`);
    const near = ENTRIES.includes(name) ? undefined : nearest(name, ENTRIES);
    if (near !== undefined) throw new TypeError(`onDelivery has an entry "${name}". Did you mean "${near}"?`);
    if (entry !== undefined) byName.set(name, callback(`The entry "${name}" of onDelivery`, entry, entry).bind(onDelivery));
  }
  if (!ENTRIES.some((name) => byName.has(name))) {
    throw new TypeError(`onDelivery has no function for a documented event. Give it an entry such as ${ENTRIES.join(", ")}.`);
  }
  const otherwise = byName.get(OTHERWISE) ?? onUnhandled;
  byName.delete(OTHERWISE);
  const logDrift = logger(({ name, drift }) => {
    const places = drift.slice(0, MAX_LOGGED_PLACES).map(({ path, kind }) => `${path} (${kind})`);
    return `the event ${JSON.stringify(name)} differs from its documentation, and its function may fail. See delivery.drift: ${places.join(", ")}.`;
  });
  return (delivery, context) => {
    const entry = byName.get(delivery.name);
    if (entry === undefined) return otherwise(delivery, context);
    if (delivery.type === "unknown" && ENTRIES.includes(delivery.name as string)) logDrift(delivery);
    return entry(delivery, context);
  };
}

function describeUnhandled({ name }: Delivery): string {
  const event = name === null ? "an event without a name" : `the event ${JSON.stringify(name)}`;
  return `acknowledged ${event}, which onDelivery has no entry for. Add one, or "${OTHERWISE}".`;
}

/** Makes a function that logs one line for each event name. */
function logger(describe: (delivery: Delivery) => string): (delivery: Delivery) => void {
  const logged = new Set<string | null>();
  return (delivery) => {
    if (logged.has(delivery.name) || logged.size >= MAX_LOGGED_NAMES) return;
    logged.add(delivery.name);
    console.warn(`walnut-webhooks: ${describe(delivery)}`);
  };
}
