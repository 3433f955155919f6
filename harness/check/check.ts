// Check: shows whether a body is genuine, and if not, why. The page decides nothing: every verdict, code, cause,
// problem and fix comes from the package.
import type { Delivery, Webhook, WebhookError } from "walnut-webhooks";
import { explain, type Explanation } from "walnut-webhooks/explain";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { announce } from "../page/announce.js";
import { element, make, setText } from "../page/dom.js";
import { keyIfNone, keys, markKey, webhook } from "../page/keys.js";
import { segments } from "../page/segments.js";
import { showDelivery, startAges } from "./delivery.js";
import { showDifference } from "./difference.js";
import { EXAMPLE_KEY, EXAMPLES } from "./examples.js";
import { type Input, fillIn, readInput, startInput } from "./input.js";
import { keyMarks, signatureMarks } from "./marks.js";

interface Result {
  readonly verdict: "none" | "genuine" | "rejected";
  readonly title: string;
  /** The code of an error. */
  readonly code?: string;
  readonly cause?: string;
  readonly message: string;
  readonly fix?: string;
  readonly difference?: Explanation["difference"];
  readonly delivery?: Delivery;
}

const note = element("signature-note", HTMLElement);
const field = element("signature", HTMLInputElement);

/** Makes the view work. */
export function startCheck(): void {
  startInput(check);
  startAges();
  for (const [id, example] of Object.entries(EXAMPLES)) {
    element(id, HTMLButtonElement).addEventListener("click", () => {
      keyIfNone(EXAMPLE_KEY);
      const signer = webhook();
      if (signer === undefined) return;
      const { body, signature } = example((text) => signer.sign(text));
      fillIn(body, signature);
    });
  }
}

/** Checks the content of the fields, and shows the result. */
export function check(): void {
  const input = readInput();
  show(judge(input), input);
}

function judge(input: Input): Result {
  const { body, header, isRequest, missing } = input;
  const none = (message: string): Result => ({ verdict: "none", title: "Not checked", message });
  if (missing !== undefined) return none(missing);
  if (body.length === 0 && header === undefined) return none("Paste a body and its signature, or a whole request. Or try an example.");
  if (keys().length === 0) return none("Enter the key to check this.");
  if (header === undefined && !isRequest) return none("Enter the signature of this body.");
  let verifier: Webhook | undefined;
  try {
    verifier = webhook();
    const delivery = verifier?.verify(body, header);
    const typed = delivery?.type === "unknown" ? " Its name or shape is not documented, so its type is unknown." : "";
    return { verdict: "genuine", title: "Genuine", message: `The key produces this signature for exactly these bytes.${typed}`, ...(delivery && { delivery }) };
  } catch (error) {
    const { code, message } = error as Partial<WebhookError>;
    if (code === undefined || message === undefined) return none(`The check itself failed and gives no verdict. Reload the page. (${message})`);
    if (code === "not_json") return { verdict: "genuine", title: "Genuine, but not JSON", code, message };
    const explanation = verifier && explain(verifier, body, header);
    if (explanation === undefined || explanation.ok) return { verdict: "rejected", title: "Rejected", code, message };
    const { cause, problem, fix, difference } = explanation;
    return { verdict: "rejected", title: "Rejected", code, cause, message: problem, fix, difference };
  }
}

function show(result: Result, input: Input): void {
  const { verdict, title, code, cause, message, fix, difference, delivery } = result;
  element("result", HTMLElement).dataset["verdict"] = verdict;
  setText(element("verdict", HTMLElement), title);
  setText(element("code", HTMLElement), code ?? "");
  setText(element("cause", HTMLElement), cause === undefined || cause === code ? "" : cause);
  setText(element("message", HTMLElement), visible(message));
  element("fix-part", HTMLElement).hidden = fix === undefined;
  setText(element("fix", HTMLElement), visible(fix ?? ""));
  mark(input, cause);
  element("difference", HTMLElement).replaceChildren(...(difference ? [showDifference(input.body, difference)] : []));
  showDelivery(delivery, input.body);
  if (verdict !== "none" || input.missing !== undefined) announce(`${title}. ${visible(message)}`);
}

/** Marks the mistake in the signature, or in one of the keys. */
function mark(input: Input, cause = ""): void {
  const { signature, isRequest } = input;
  const marks = signature === undefined ? undefined : signatureMarks(signature, cause);
  const shown = marks === undefined ? [] : [make("span", {}, "The signature as received: "), segments(marks)];
  element("marks", HTMLElement).replaceChildren(...shown);
  const isInField = marks !== undefined && !isRequest;
  setText(note, isInField ? "It is not exactly 64 lowercase hex digits: the result marks the mistake." : "");
  if (isInField) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");

  const wrong = cause.startsWith("key_") ? keys().find(({ key }) => isAboutKey(key, cause, input)) : undefined;
  markKey(wrong?.field, "This is not exactly the key that Walnut’s settings show.", wrong && keyMarks(wrong.key, cause));
}

/** Whether a cause is about this key, if there are several. */
function isAboutKey(key: string, cause: string, { body, header }: Input): boolean {
  return explain(key, body, header).cause === cause;
}
