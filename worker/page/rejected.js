// The list of the rejected requests that the edge keeps, and one request with its buttons.
import { askList } from "./api.js";
import { $, badge, bytes, facts, fill, make, put, setText, time, words } from "./elements.js";

const PAGE = 50;

let kept = [];
let cursor = null;
/** Counts the lists that were requested: a late response must not replace a newer one. */
let turn = 0;

/** Reads the list again, up to its previous length. */
export const listRejected = () => show({ length: Math.max(PAGE, kept.length) });

/** Reads one more page. */
export async function moreRejected() {
  const before = kept.length;
  await show({ length: before + PAGE, items: kept, cursor });
  if ($("more").hidden) document.querySelectorAll("#rejected a")[before]?.focus();
}

async function show(wanted) {
  const mine = ++turn;
  const answer = await askList("rejected", { ...wanted, isWanted: () => mine === turn });
  if (answer === undefined) return;
  ({ items: kept, cursor } = answer);
  $("more").hidden = cursor === null;
  setText("counted", `All rejections: ${answer.counted.map(({ code, count }) => `${code}: ${count}`).join(", ") || "none"}`);
  fill("rejected", kept, (request) => ({
    Received: make("a", { href: `#rejected=${request.id}` }, time(request.received)),
    Code: words(request.code),
    ...summary(request),
    Action: actions(request),
  }), "No rejected request is kept.");
}

/** Shows the fields and the buttons of one request. */
export function showRejected(request) {
  const { code, received, contentType, signature, explained } = request;
  facts("fields", {
    Received: time(received),
    Code: code,
    ...summary(request),
    Explained: `${explained.cause}: ${explained.problem} ${explained.fix}`,
    "Content type": contentType ?? "–",
    Signature: signature,
  });
  put("actions", [actions(request)]);
}

function summary({ cause, fix, name, size, expires }) {
  return {
    Cause: make("div", {}, badge(canDeliver(cause) ? "pending" : "cause", cause), ` ${fix}`),
    Event: words(name || "no name"),
    Size: bytes(size),
    Expires: time(expires),
  };
}

/** Whether a key that is set now verifies the request. */
function canDeliver(cause) {
  return cause === "current_key" || cause === "previous_key";
}

function actions({ id, cause }) {
  const button = (opens, text) => make("button", { value: id, "data-opens": opens }, text);
  return make("div", { class: "row" }, canDeliver(cause) && button("deliver", "Deliver…"), button("discard", "Erase…"));
}
