/**
 * The testing kit: made-up events, signed requests and deliveries, for the unit tests of a receiver.
 *
 * @module
 */
import { Webhook } from "walnut-webhooks";
import type { DemoSessionFinished, PlaylistSessionFinished } from "./contract.js";
import type { Delivery, DemoDelivery, PlaylistDelivery } from "./delivery.js";
import type { RawBody } from "./input.js";
import type { Key } from "./keys.js";
import { checkOptions, kind, whole } from "./options.js";
import { isObject, merge, type Overrides, tag } from "./overrides.js";
import { MAX_SEED, random, type Random } from "./random.js";
import { demo, playlist, timeOfSeed } from "./sample.js";

export type { Overrides } from "./overrides.js";
export { random, type Random } from "./random.js";

/** The options of the functions that make up an event. */
export interface EventOptions {
  /**
   * A number from 0 to 4294967295. The same number makes the same event. Without a seed, each call makes another event,
   * and a program makes the same sequence of events in each run.
   */
  seed?: number | undefined;
  /**
   * When Walnut sends the event; a number is in milliseconds since the Unix epoch. With a seed, the default is a time
   * in 2026 that depends on the seed. Without one, it is the current time.
   */
  at?: number | Date | undefined;
}

/** A `Webhook` with the key that signs, or the key itself. If there are several keys, the current one signs. */
export type Signer = Pick<Webhook, "sign"> | Key;

/** The headers of a signed request. */
export type SignedHeaders = {
  /** Always `application/json`. */
  "content-type": string;
  /** The signature of the body. */
  "x-walnut-signature": string;
};

/**
 * Makes up the event of a finished demo session, with every documented field.
 *
 * @param overrides - The fields that matter to the test, at any depth. `undefined` leaves a field out. A list replaces
 *   the whole list, and the missing fields of its items are made up. To add a field that Walnut does not document, set it
 *   on the event.
 * @throws RangeError when `seed` or `at` is out of its range; `TypeError` when an option has an unknown name or a wrong
 *   type, when an override is not JSON, or when its name is likely a misspelt field.
 * @example
 * const event = demoSession({ data: { user: { email: "ada@example.com" } } });
 */
export function demoSession(overrides?: Overrides<DemoSessionFinished>, options?: EventOptions): DemoSessionFinished {
  return build("demoSession", (from, at) => demo(from, at, false), overrides, options);
}

/** Makes up the event of a finished playlist session, as {@link demoSession} does. */
export function playlistSession(overrides?: Overrides<PlaylistSessionFinished>, options?: EventOptions): PlaylistSessionFinished {
  return build("playlistSession", (from, at) => playlist(from, at, overrides?.data?.items?.length), overrides, options);
}

/**
 * Makes up the event that "Send a test event" in Walnut's settings sends, as {@link demoSession} does: a demo session
 * whose `is_test` is true. Walnut does not document the other fields of that event.
 */
export function testEvent(overrides?: Overrides<DemoSessionFinished>, options?: EventOptions): DemoSessionFinished {
  return build("testEvent", (from, at) => demo(from, at, true), overrides, options);
}

/**
 * Signs a body as Walnut does, and returns the headers of its request: for a server that a test calls over HTTP, and for
 * environments without `Request`.
 *
 * @param rawBody - The body, exactly as the test sends it.
 * @example
 * const body = JSON.stringify(demoSession());
 * await supertest(app).post("/webhook").set(signedHeaders(key, body)).send(body);
 */
export function signedHeaders(signer: Signer, rawBody: RawBody): SignedHeaders {
  if (isObject(rawBody)) {
    throw new TypeError("signedHeaders needs the body as text or bytes, but this is an event. Pass JSON.stringify(event), and send exactly that text.");
  }
  const webhook = isSigner(signer) ? signer : new Webhook(signer);
  return { "content-type": "application/json", "x-walnut-signature": webhook.sign(rawBody) };
}

/**
 * Makes the request that Walnut sends for an event, for handlers that expect a `Request`.
 *
 * @param options - `url`: the URL of the request, `http://localhost/webhook` by default.
 * @throws Error if the environment has no global `Request`, such as Jest's jsdom.
 * @example
 * const response = await POST(signedRequest(webhook, demoSession()));
 */
export function signedRequest(signer: Signer, event: object, options: { url?: string | URL | undefined } = {}): Request {
  checkOptions("signedRequest", options, ["url"], '{ url: "http://localhost/webhook" }');
  checkEvent("signedRequest", event);
  if (typeof Request === "undefined") {
    throw new Error(
      "signedRequest needs a global Request, which this test environment does not have (Jest's jsdom, for example). " +
        "Use signedHeaders(webhook, body), or run this test in an environment that has Request, such as Jest's node.",
    );
  }
  const body = JSON.stringify(event);
  return new Request(options.url ?? "http://localhost/webhook", { method: "POST", headers: signedHeaders(signer, body), body });
}

/** A key that only {@link sampleDelivery} uses, for signatures that never leave the process. */
const SAMPLE_KEY = "walnut-webhooks/testing";

/**
 * Makes the delivery that `webhook.verify` returns for an event. The event is signed and verified, so the delivery has
 * the type, ID and drift of a genuine one: pass an event that differs from the documentation to get `unknown` and drift.
 *
 * @example
 * await onDelivery(sampleDelivery(demoSession()));
 */
export function sampleDelivery(event: DemoSessionFinished): DemoDelivery;
export function sampleDelivery(event: PlaylistSessionFinished): PlaylistDelivery;
export function sampleDelivery(event: object): Delivery;
export function sampleDelivery(event: object): Delivery {
  checkEvent("sampleDelivery", event);
  const webhook = new Webhook(SAMPLE_KEY);
  const body = JSON.stringify(event);
  return webhook.verify(body, webhook.sign(body));
}

/** The end of the year 9999, in milliseconds since the Unix epoch: RFC 3339 has no later times. */
const MAX_TIME = Date.UTC(10_000, 0, 1) - 1;

/** How many events were made without a seed. */
let unseeded = 0;

function build<Event extends object>(
  name: string,
  make: (from: Random, at: number) => Event,
  overrides: Overrides<Event> | Record<string, never> = {},
  options: EventOptions = {},
): Event {
  checkOptions(name, options, ["seed", "at"], "{ seed: 7 }");
  if (!isObject(overrides)) throw new TypeError(`The overrides of ${name} must be an object, such as { is_test: true }, but are ${kind(overrides)}.`);
  for (const [option, example] of [["seed", "7"], ["at", "new Date()"]] as const) {
    if (option in overrides) throw new TypeError(`${option} is an option, not a field of the event. Pass it second: ${name}({}, { ${option}: ${example} }).`);
  }
  const { seed, at } = options;
  const usedSeed = whole("seed", seed, unseeded, 0, MAX_SEED);
  if (seed === undefined) unseeded++;
  const time = at === undefined ? (seed === undefined ? Date.now() : timeOfSeed(usedSeed)) : milliseconds(at);
  return merge(name, make(random(usedSeed), time), overrides) as Event;
}

function milliseconds(at: unknown): number {
  const expected = "at must be a Date or a number of milliseconds since the Unix epoch, up to the year 9999";
  if (typeof at !== "number" && tag(at) !== "Date") throw new TypeError(`${expected}, but is ${kind(at)}.`);
  const time = Number(at);
  if (time >= 0 && time <= MAX_TIME) return time;
  throw new RangeError(`${expected}, but is ${typeof at === "number" ? at : Number.isNaN(time) ? "an invalid Date" : "another Date"}.`);
}

function checkEvent(name: string, event: unknown): void {
  if (isObject(event)) return;
  throw new TypeError(`${name} needs an event, such as demoSession(), but this is ${kind(event)}. To sign a raw body, use signedHeaders(webhook, body).`);
}

function isSigner(signer: Signer): signer is Pick<Webhook, "sign"> {
  return typeof signer === "object" && signer !== null && "sign" in signer;
}
