// The list of deliveries with its filter and its search, and one delivery.
import { askList, search, signedIn } from "./api.js";
import { whyWaiting } from "./destinations.js";
import { $, badge, bytes, choices, facts, fill, link, make, ms, put, setText, time } from "./elements.js";

const PAGE = 50;

/** The state and the destination in the URL, and the values of the filter form by the names of the API's parameters. */
let state = "";
let destination = "";
let filters = {};
/** The search, if there is one. It can contain an e-mail address, so it is never in the URL. */
let wanted;
/** The shown part of the list, and the cursor of the rest. */
let deliveries = [];
let cursor = null;
/** The rows that are shown, if a list was read. They stay until another list has been read. */
let drawn;
/** Counts the lists that were requested: a late response must not replace a newer one. */
let turn = 0;

/** Returns whether a search is shown. The timer does not repeat a search, because it reads many bodies. */
export const isSearch = () => wanted !== undefined;

/** Chooses a state and a destination, which ends a search. `isBack`, after one delivery was shown, keeps the same list. */
export function choose(chosen = { state: "", destination: "" }, isBack = false) {
  if (isBack && chosen.state === state && chosen.destination === destination) return;
  ({ state, destination } = chosen);
  wanted = undefined;
  deliveries = [];
}

export async function filter() {
  const entered = { name: $("name").value, since: ms("since"), until: ms("until"), test: $("test").value };
  filters = Object.fromEntries(Object.entries(entered).filter(([, value]) => value));
  wanted = undefined;
  await list(PAGE);
}

export async function find() {
  wanted = { [$("by").value]: $("value").value };
  const mine = turn + 1;
  try {
    await list(PAGE);
  } catch ({ message }) {
    if (mine !== turn || !signedIn()) return;
    show({ items: [] }, true, message);
    $("value").focus();
  }
}

export async function older() {
  const before = deliveries.length;
  await list(before + PAGE, deliveries, cursor);
  if ($("older").hidden) document.querySelectorAll("#deliveries tbody a")[before]?.focus();
}

/** Reads the list up to a length, from its beginning or after the deliveries in `items`. */
export async function list(length = Math.max(PAGE, deliveries.length), items = [], next = null) {
  const mine = ++turn;
  const all = { ...filters, ...(state && { state }), ...(destination && { destination }) };
  const reading = { length, filters: all, items, cursor: next, isWanted: () => mine === turn };
  const answer = await (wanted ? search(wanted, reading) : askList("deliveries", reading));
  if (answer !== undefined) show(answer, Boolean(wanted) || Object.keys(all).length > 0);
}

/** Shows a list, or why a search failed. */
function show(answer, isFiltered, problem = "") {
  ({ items: deliveries, cursor = null } = answer);
  const isAll = cursor === null;
  setText("search-note", problem);
  put("only", destination && !wanted ? [make("a", { href: `#state=${state}` }, `Destination: ${destination} ✕`, make("span", { class: "unseen" }, " (remove this filter)"))] : []);
  $("older").hidden = isAll;
  setText("shown", `Shown: ${deliveries.length}${isAll ? ", all" : ""}.${wanted ? " Search." : isFiltered ? " Filtered." : ""}`);
  const isEmpty = deliveries.length === 0;
  $("empty").hidden = !isEmpty;
  $("deliveries").hidden = isEmpty;
  $("clear").hidden = !isFiltered;
  setText("why-empty", problem ? "The search failed." : !isFiltered ? "No deliveries yet." : isAll ? `No delivery matches the ${wanted ? "search" : "filter"}.` : "No match so far. “Older” continues.");
  setText("clear", wanted ? "Clear the search" : "Clear the filter");
  drawn = deliveries;
  drawList();
}

/** Draws the rows of the list. A newer status can change which destinations are held. */
export function drawList() {
  if (!drawn) return;
  fill("deliveries", drawn, ({ deliveryId, kind, received, name, demoName, isTest, state, sends }) => ({
    Delivery: make("div", {}, link(deliveryId, demoName || name || "no name"), ...marks(isTest, kind, demoName && name)),
    Received: time(received),
    State: badge(state),
    Destinations: make("div", { class: "sends" }, ...(sends.length > 0 ? sends.map((send) =>
      make("div", {}, badge(send.state, send.destination), make("span", { class: "unseen" }, ` ${send.state}`), " ", (send.state === "pending" && whyWaiting(send.destination)) || (send.reason ?? ""))) : ["–"])),
  }));
}

function marks(isTest, kind, name) {
  const kinds = [name, kind !== "first" && kind].filter(Boolean).join(", ");
  return [isTest && " ", isTest && badge("test"), kinds && make("i", {}, ` ${kinds}`)].filter(Boolean);
}

export function showDelivery(shown, configured) {
  const { deliveryId, demoName, isTest, related, body, sends } = shown;
  facts("fields", {
    State: badge(shown.state),
    Event: shown.name ?? "no name",
    Demo: demoName ?? undefined,
    "Test event": isTest ? "yes" : undefined,
    Type: shown.type,
    "Delivery ID": deliveryId,
    "Idempotency key": shown.id,
    Kind: shown.kind,
    "Same key": related.length > 0 ? make("div", { class: "row" }, ...related.map((key) => link(key))) : "no other",
    Received: time(shown.received),
    Ended: time(shown.ended),
    Duplicates: `${shown.duplicates}`,
    "Last duplicate": time(shown.lastDuplicate),
    Size: bytes(shown.size),
    "Content type": shown.contentType ?? "–",
    Signature: shown.signature ?? "–",
    "Signed with": `the ${shown.signedWith} key`,
  });
  fill("sends", sends, ({ destination, state, reason, attempts, due }) => ({
    Destination: destination,
    State: make("div", {}, badge(state), ` ${reason ?? ""}`),
    Attempts: `${attempts}`,
    Next: state === "pending" ? (whyWaiting(destination, due) ?? time(due)) : "–",
  }));
  fill("attempts", shown.attempts, ({ destination, at, ms, status, code, how, body }) => ({
    At: time(at),
    Destination: destination,
    Response: make("div", {}, [status, code, how && how !== "status" && `(${how})`].filter(Boolean).join(" ") || "–",
      Boolean(body) && make("details", {}, make("summary", {}, "Body"), make("pre", { tabindex: "0" }, body))),
    Time: `${ms.toLocaleString("en")} ms`,
  }));
  $("redeliver").hidden = body === null;
  const isDead = sends.some(({ state }) => state === "dead");
  // No default sends it again to a destination that has accepted it.
  const standard = isDead ? DEAD : sends.length === 0 ? ALL : "";
  $("to").required = standard === "";
  choices("to", standard || "choose one", [...(standard === ALL ? [] : [ALL]), ...configured]);
}

const DEAD = "where it is dead";
const ALL = "all that want it";

/** Returns the body of a request for redelivery. */
export function target() {
  const { value, selectedOptions: [{ text }] } = $("to");
  return text === ALL ? { state: "all" } : text === DEAD ? {} : { destination: value };
}
