// The requests that doctor sends, once each. Every event is marked as a test.
import type { OutgoingHttpHeaders } from "node:http";
import { deliveryHeaders, SIGNATURE_HEADER } from "../sender/headers.js";
import { hex, newSeed, random } from "../sender/random.js";
import { sample } from "../sender/sample.js";

/**
 * The kind of request: a genuine delivery; a large one, or one over any reasonable limit; a forgery; a valid signature
 * in a form that Walnut does not send; or half a request.
 */
export type Kind = "genuine" | "large" | "oversized" | "forged" | "odd" | "slow";

export interface Probe {
  /** A stable name. */
  readonly id: ProbeId;
  readonly title: string;
  readonly kind: Kind;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
  /** The value of `Content-Length`. */
  readonly length: number;
  /** The valid signature, if the request does not contain it. */
  readonly withheld: string | null;
}

export type ProbeId =
  | "good_delivery"
  | "duplicate"
  | "pretty_printed"
  | "escaped_characters"
  | "unknown_event"
  | "large_200_kb"
  | "large_1_mib"
  | "oversized_4_mib"
  | "forged_signature"
  | "changed_body"
  | "missing_signature"
  | "empty_signature"
  | "uppercase_signature"
  | "several_signatures"
  | "slow_client";

/** The number of requests. */
export const PROBES = 15;

type Sign = (body: Uint8Array) => string;

/** Creates the probes; the first is the valid delivery. */
export function probes(sign: Sign): [Probe, ...Probe[]] {
  /** A probe with a valid signature. */
  const signed = (id: ProbeId, kind: Kind, title: string, body: Uint8Array): Probe => {
    return { id, kind, title, body, headers: deliveryHeaders(sign(body)), length: body.length, withheld: null };
  };
  /** A probe with a wrong signature or none. It has its own event. */
  const forged = (id: ProbeId, title: string, signature: (right: string) => string | undefined, body = json(event())): Probe => {
    const right = sign(body);
    return { id, kind: "forged", title, body, headers: deliveryHeaders(signature(right)), length: body.length, withheld: right };
  };
  /** A probe with a valid signature in another form. */
  const odd = (id: ProbeId, title: string, signature: (right: string) => string | string[]): Probe => {
    const probe = signed(id, "odd", title, json(event()));
    return { ...probe, headers: { ...probe.headers, [SIGNATURE_HEADER]: signature(sign(probe.body)) } };
  };

  const good = json(event());
  const changed = event();
  const signatureBefore = sign(json(changed));
  changed.data.demo_engagement.fab_clicks += 1;
  const slow = json(event());

  return [
    signed("good_delivery", "genuine", "a valid delivery", good),
    signed("duplicate", "genuine", "the same bytes again", good),
    signed("pretty_printed", "genuine", "an event in pretty-printed JSON", pretty()),
    signed("escaped_characters", "genuine", "an event with é and \\u00e9 in it", escaped()),
    signed("unknown_event", "genuine", "an event with an unknown name", json(unknown())),
    signed("large_200_kb", "large", "an event of 200 kB", padded(200_000)),
    signed("large_1_mib", "large", "an event just under 1 MiB", padded((1 << 20) - 1)),
    signed("oversized_4_mib", "oversized", "an event of 4 MiB", padded(4 << 20)),
    forged("forged_signature", "a made-up signature", madeUp),
    forged("changed_body", "a valid signature, but a changed body", () => signatureBefore, json(changed)),
    forged("missing_signature", "no signature", () => undefined),
    forged("empty_signature", "an empty signature", () => ""),
    odd("uppercase_signature", "the signature in uppercase", (right) => right.toUpperCase()),
    odd("several_signatures", "the signature and a made-up one", (right) => [right, madeUp()]),
    { ...signed("slow_client", "slow", "half a request", slow), body: slow.subarray(0, slow.length >> 1) },
  ];
}

const madeUp = () => hex(random(newSeed()), 64);

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** A test event of a demo session. It is ASCII, so that only the probes for other characters depend on the encoding. */
function event(): DemoTest {
  const sampled = sample("test") as DemoTest;
  sampled.data.demo.name = "A probe of walnut-webhooks doctor";
  sampled.data.user.email = "doctor@example.com";
  return sampled;
}

type DemoTest = Extract<ReturnType<typeof sample>, { event: "demo_session_finished" }>;

/** An event with spaces and line ends that no serializer writes. */
function pretty(): Uint8Array {
  return Buffer.from(` ${JSON.stringify(event(), null, 3).replaceAll('": ', '" : ')}\n`);
}

/** An event with a letter both literal and escaped, and with escaped slashes. Parsing and serializing change this JSON. */
function escaped(): Uint8Array {
  const sampled = event();
  sampled.data.demo.name = "Café";
  sampled.data.demo.template_name = "Café ?";
  return Buffer.from(JSON.stringify(sampled).replace("Café ?", "Caf\\u00e9").replaceAll("/", "\\/"));
}

function unknown(): unknown {
  const { timestamp } = event();
  return { event: "doctor_session_examined", is_test: true, timestamp, data: [{ nobody: "has seen this" }, null, 1.5] };
}

/** A test event of this many bytes, filled with an undocumented field. */
function padded(length: number): Uint8Array {
  const sampled = { ...event(), padding: "" };
  sampled.padding = "x".repeat(length - json(sampled).length);
  return json(sampled);
}
