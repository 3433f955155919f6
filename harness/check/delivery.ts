// Shows a delivery as the package returns it.
import type { Delivery } from "walnut-webhooks";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { element, make, setText, terms } from "../page/dom.js";
import { age } from "./age.js";
import { describeDrift, showEvent } from "./event.js";

const AGE_INTERVAL_MS = 1000;

const part = element("delivery", HTMLElement);

/** Updates the shown ages. */
export function startAges(): void {
  setInterval(() => {
    for (const node of part.querySelectorAll("[data-at]")) showAge(node);
  }, AGE_INTERVAL_MS);
}

function showAge(node: Element): void {
  setText(node, age(Date.now() - Number(node.getAttribute("data-at"))));
}

/** Shows a delivery, or none. */
export function showDelivery(delivery: Delivery | undefined, body: Uint8Array): void {
  part.hidden = delivery === undefined;
  if (delivery === undefined) return;
  const { type, name, id, timestamp, isTest, keyIndex, drift } = delivery;
  terms(element("delivery-facts", HTMLDListElement), [
    ["type", type],
    ["name", visible(name ?? "null")],
    ["id", visible(id)],
    ["timestamp", timestamp === null ? "null" : withAge(timestamp)],
    ["isTest", String(isTest)],
    ["keyIndex", `${keyIndex}, ${keyIndex === 0 ? "the current key" : "a previous key: the rotation is not finished"}`],
  ]);
  const places = `${drift.length} ${drift.length === 1 ? "place" : "places"}`;
  const none = type === "unknown" ? "no event of this name is documented" : "no drift: exactly as documented";
  setText(element("drift", HTMLElement), drift.length === 0 ? none : `drift: differs from the documentation in ${places}`);
  element("drift-list", HTMLUListElement).replaceChildren(...drift.map((one) => make("li", {}, make("code", {}, visible(one.path)), `: ${describeDrift(one)}`)));
  const event = element("event", HTMLElement);
  event.replaceChildren(...showEvent(new TextDecoder().decode(body), drift));
  const first = event.querySelector("mark");
  event.scrollTop = first === null ? 0 : first.offsetTop - event.offsetTop - event.clientHeight / 3;
}

function withAge(timestamp: string): HTMLElement {
  const at = Date.parse(timestamp);
  const node = make("span", {}, visible(timestamp));
  if (Number.isNaN(at)) return node;
  const ageNode = make("span", { class: "age", "data-at": String(at) });
  showAge(ageNode);
  node.append(" ", ageNode);
  return node;
}
