// The formats in which a composed event is copied. None of them contains the key. The Rust test reads it from the
// environment.
import type { Delivery } from "walnut-webhooks";
import { quoted } from "../../pkg-templates/cli/sender/shell.js";
import { javascript, rust } from "./quote.js";

export interface Composed {
  readonly body: string;
  /** `undefined` without a valid key. */
  readonly signature: string | undefined;
  /** The body as the package reads it; `undefined` if it is not JSON. */
  readonly delivery: Delivery | undefined;
}

type Signed = Composed & { readonly signature: string };

/** The formats with a signature, by the value of their button. */
export const COPIES = { curl, fetch: fetchCall, rust: rustTest } as const;

export type Format = "body" | "node" | keyof typeof COPIES;

function curl({ body, signature }: Signed, url: string): string {
  return [
    `curl --request POST ${quoted(url)}`,
    `  --header 'Content-Type: application/json'`,
    `  --header 'X-Walnut-Signature: ${signature}'`,
    `  --data-raw ${quoted(body)}`,
  ].join(" \\\n");
}

function fetchCall({ body, signature }: Signed, url: string): string {
  return `const response = await fetch(${javascript(url)}, {
  method: "POST",
  headers: {
    "content-type": "application/json",
    "x-walnut-signature": "${signature}",
  },
  body: ${javascript(body)},
});
console.log(response.status, await response.text());
`;
}

/** A test of the user's own handler with the testing kit. It contains neither a key nor a signature. */
export function nodeTest({ body, delivery }: Pick<Composed, "body" | "delivery">): string {
  return delivery === undefined ? nodeTestOfText(body) : nodeTestOfEvent(delivery);
}

function nodeTestOfEvent({ type, name, event }: Delivery): string {
  return `import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDelivery } from "walnut-webhooks/testing";
// Your own function that handles deliveries.
import { onDelivery } from "./on-delivery.js";

const event = ${JSON.stringify(event, null, 2)};

test(${javascript(`handles ${name ?? "an event without a name"}`)}, async () => {
  const delivery = sampleDelivery(event);
  assert.equal(delivery.type, ${javascript(type)});
  await onDelivery(delivery);
  // Add your assertions here.
});
`;
}

/** The test uses an adapter, because a body that is not JSON never reaches the handler. */
function nodeTestOfText(body: string): string {
  return `import assert from "node:assert/strict";
import { test } from "node:test";
import { handler } from "walnut-webhooks/fetch";
import { Webhook } from "walnut-webhooks";
import { signedHeaders } from "walnut-webhooks/testing";
// Your own function that handles deliveries.
import { onDelivery } from "./on-delivery.js";

const body = ${javascript(body)};

test("rejects a genuine body that is not JSON", async () => {
  const webhook = new Webhook("a key for tests");
  const receive = handler(webhook, onDelivery);
  const request = new Request("http://localhost/webhook", { method: "POST", headers: signedHeaders(webhook, body), body });
  assert.equal((await receive(request)).status, 400);
});
`;
}

function rustTest({ body, signature, delivery }: Signed): string {
  const read = delivery === undefined
    ? `    assert_eq!(verified.delivery().err().map(|error| error.code()), Some("not_json"));`
    : `    let delivery = verified.delivery()?;
    assert_eq!(delivery.name.as_deref(), ${delivery.name === null ? "None" : `Some(${rust(delivery.name)})`});
    assert_eq!(delivery.id, ${rust(delivery.id)});`;
  return `use walnut_webhooks::{Error, Key, Verifier};

const SIGNATURE: &str = "${signature}";
const BODY: &str = ${rust(body)};

fn verifier() -> Result<Verifier, Error> {
    let key = std::env::var("WALNUT_WEBHOOK_KEY").unwrap_or_default();
    Ok(Verifier::new(Key::new(key)?))
}

#[test]
fn the_event_is_genuine() -> Result<(), Error> {
    let verifier = verifier()?;
    let verified = verifier.verify(BODY.as_bytes(), SIGNATURE)?;
${read}
    Ok(())
}

#[test]
fn a_tampered_body_is_rejected() -> Result<(), Error> {
    let verifier = verifier()?;
    let tampered = format!("{BODY} ");
    let rejected = verifier.verify(tampered.as_bytes(), SIGNATURE).err();
    assert_eq!(rejected.map(|error| error.code()), Some("signature_mismatch"));
    Ok(())
}
`;
}
