// What a composed event is copied as. None of it has the key in it: it carries the signature, and reads the key,
// where one is needed, from the environment.
import type { Delivery } from "walnut-webhooks";
import { quoted } from "../../pkg-templates/cli/sender/shell.js";
import { javascript, rust } from "./quote.js";

export interface Composed {
  readonly body: string;
  /** `undefined` while there is no key. */
  readonly signature: string | undefined;
  /** How the package reads it; `undefined` where it is no JSON. */
  readonly delivery: Delivery | undefined;
}

type Signed = Composed & { readonly signature: string };

/** The formats, by the value of their button. */
export const COPIES = { curl, fetch: fetchCall, node, rust: rustTest } as const;

export type Format = "body" | keyof typeof COPIES;

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

function node({ body, signature, delivery }: Signed): string {
  const read = delivery === undefined
    ? `  assert.throws(() => webhook.verify(body, signature), { code: "not_json" });`
    : `  const delivery = webhook.verify(body, signature);
  assert.equal(delivery.type, ${javascript(delivery.type)});
  assert.equal(delivery.id, ${javascript(delivery.id)});`;
  return `import assert from "node:assert/strict";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const signature = "${signature}";
const body = ${javascript(body)};

test("the event is genuine", () => {
  assert.equal(webhook.verifySignature(body, signature).keyIndex, 0);
${read}
});

test("one that was tampered with is refused", () => {
  assert.throws(() => webhook.verify(\`\${body} \`, signature), { code: "signature_mismatch" });
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
fn one_that_was_tampered_with_is_refused() -> Result<(), Error> {
    let verifier = verifier()?;
    let tampered = format!("{BODY} ");
    let refused = verifier.verify(tampered.as_bytes(), SIGNATURE).err();
    assert_eq!(refused.map(|error| error.code()), Some("signature_mismatch"));
    Ok(())
}
`;
}
