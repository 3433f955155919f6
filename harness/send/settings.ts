// The form of Send: the kind and number of requests, and the URL.
import { type Item, plan } from "../../pkg-templates/cli/sender/plan.js";
import { newSeed } from "../../pkg-templates/cli/sender/random.js";
import { sample } from "../../pkg-templates/cli/sender/sample.js";
import { composed } from "../compose/compose.js";
import { utf8 } from "../page/bytes.js";
import { chosen, showMistake, element } from "../page/dom.js";
import { webhook } from "../page/keys.js";

/** The most requests in one run. */
const MOST_REQUESTS = 1000;

const TOO_MANY = `At most ${MOST_REQUESTS.toLocaleString("en")} are sent together, duplicates and forgeries included.`;

export interface Settings {
  readonly url: string;
  readonly isByRelay: boolean;
  readonly items: Item[];
  /** Requests a second; `Infinity` for no limit. */
  readonly rate: number;
}

const field = (id: string) => element(id, HTMLInputElement);

/** The URL in its field, or a default. */
export function url(): string {
  return field("url").value.trim() || "http://localhost:3000/webhook";
}

/** Reads the form. A mistake is shown at its field, which gets the focus, and the result is `undefined`. */
export function settings(): Settings | undefined {
  const [count, duplicates, forged] = [whole("count", 1), whole("duplicates", 0), whole("forged", 0)];
  const rate = field("rate").value === "" && !field("rate").validity.badInput ? Infinity : whole("rate", 1);
  const isTooMany = count !== undefined && duplicates !== undefined && forged !== undefined && count + duplicates + forged > MOST_REQUESTS;
  const wrong: Readonly<Record<string, string>> = {
    url: wrongUrl(field("url").value.trim()),
    count: count === undefined ? "A whole number from 1 on is needed." : isTooMany ? TOO_MANY : "",
    duplicates: duplicates === undefined ? "A whole number is needed." : "",
    forged: forged === undefined ? "A whole number is needed." : "",
    rate: rate === undefined ? "A whole number from 1 on is needed, or nothing." : "",
  };
  for (const [id, text] of Object.entries(wrong)) showMistake(field(id), element(`${id}-note`, HTMLElement), text);
  const first = Object.entries(wrong).find(([, text]) => text !== "");
  if (first !== undefined) field(first[0]).focus();
  if (first !== undefined || count === undefined || duplicates === undefined || forged === undefined || rate === undefined) return undefined;
  const signer = webhook();
  if (signer === undefined) return undefined;
  const shuffled = field("shuffled").checked;
  const items = plan({ count, duplicates, forge: forged, shuffled, seed: newSeed() }, bodies(), (body) => signer.sign(body));
  return { url: field("url").value.trim(), isByRelay: chosen("through") === "relay", items, rate };
}

/** Returns the mistake in a URL, or an empty text. */
function wrongUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return "A URL that begins with http:// or https:// is needed.";
  // Neither the relay nor a browser sends a user name and a password.
  return url.username === "" && url.password === "" ? "" : "A URL without a user name and a password is needed.";
}

/** Returns a function that makes the bodies: always the composed event, or random events of both types. */
function bodies(): (index: number) => Uint8Array {
  if (chosen("what") === "composed") {
    const body = utf8(composed().body);
    return () => body;
  }
  return (index) => utf8(JSON.stringify(sample(index % 2 === 0 ? "demo" : "playlist")));
}

function whole(id: string, least: number): number | undefined {
  const value = field(id).valueAsNumber;
  return Number.isSafeInteger(value) && value >= least ? value : undefined;
}
