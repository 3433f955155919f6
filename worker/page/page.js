// The admin page. It decides nothing: it asks the API and shows the response.
import { ask, request, signIn, signedIn, TIMEOUT_MS } from "./api.js";
import { choose, drawList, filter, find, isSearch, list, older, showDelivery, target } from "./deliveries.js";
import { listDrift, pauseOrResume, showDestinations } from "./destinations.js";
import { $, bytes, choices, facts, indent, make, minutes, ms, put, setText, time } from "./elements.js";
import { listRejected, moreRejected, showRejected } from "./rejected.js";

const AUTO_MS = 10_000;
const WARNINGS = {
  only_previous: "When the previous key last matched, the current one had not matched for an hour: set the key that Walnut shows.",
  previous_ends_soon: "The previous key ends in less than a day. After that, the edge rejects events that Walnut signs with it.",
};
const TITLE = document.title;

/** The functions that read each view. The keys are the names in the URL. */
const VIEWS = {
  deliveries: list,
  rejected: listRejected,
  drift: listDrift,
  destinations: () => {},
};

/** The last status. */
let known = {};
/** The delivery or the rejected request that is shown. */
let shown;
/** The view that is shown, and the URL's part of one delivery or request. */
let view = "";
let hash = "";
/** Counts the requests for one delivery: a late response must not replace a newer one. */
let turn = 0;
/** How many of the user's own requests are under way. */
let working = 0;

const on = (id, type, task) => $(id).addEventListener(type, once(task));

on("enter", "submit", enter);
on("filter", "submit", filter);
$("filter").addEventListener("reset", () => setTimeout(once(filter))); // after its fields are empty
on("search", "submit", find);
on("clear", "click", clear);
on("older", "click", older);
on("more", "click", moreRejected);
on("refresh", "click", refresh);
on("leave", "click", () => location.reload()); // deletes everything from memory
on("dismiss", "click", () => title().focus());
on("download", "click", download);
on("redeliver", "submit", redeliver);
on("pretty", "change", showBody);
on("destinations", "click", async ({ target }) => {
  if (target.tagName !== "BUTTON") return;
  announce(await pauseOrResume(target));
  await status();
});
addEventListener("hashchange", () => once(followUrl)()); // does not wait for earlier requests
setInterval(async () => {
  if (!$("auto").checked || !signedIn() || working > 0 || document.hidden || document.querySelector("dialog[open]")) return;
  if (!(await run(() => (isSearch() && view === "deliveries" ? status() : refresh())))) $("auto").checked = false;
}, AUTO_MS);
dialog("revive", revive, ({ value }) => {
  const names = known.stranded?.map(({ name }) => name) ?? [];
  choices("revive-from", "none", names);
  $("revive-from").value = names.includes(value) ? value : "";
  requireFields();
  // From an old name, pending deliveries are moved too.
  $("revive-which").hidden = names.includes(value);
  $("revive-old").hidden = !names.includes(value);
  $("revive-since").value = $("since").value || (known.oldestDead && !value ? minutes(known.oldestDead) : "");
  $("revive-until").value = $("until").value;
});
$("revive-state").addEventListener("change", requireFields);
dialog("erase", erase);
dialog("delete", async () => {
  await ask("DELETE", `deliveries/${shown.deliveryId}`);
  return `Delivery ${shown.deliveryId} was erased.`;
});
dialog("deliver", async (_, { value }) => {
  const { stored } = await ask("POST", `rejected/${value}/deliver`);
  await leave();
  return `Request: ${stored}.`;
});
dialog("discard", async (_, { value }) => {
  await ask("DELETE", `rejected/${value}`);
  await leave();
  return "The request was erased.";
});
$("finder").open = innerWidth >= 960;
setText("zone", `Time zone: ${Intl.DateTimeFormat().resolvedOptions().timeZone}`);
$("token").focus();
once(followUrl)();

/** Signs in with the token of `#token=…`, which `walnut-webhooks edge dev` prints in a link. Without one, shows the URL's part. */
async function followUrl() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return route();
  // The token is removed at once, so that neither the address bar nor the history keeps it.
  history.replaceState(null, "", location.pathname);
  $("token").value = token;
  await enter();
}

async function enter() {
  signIn($("token").value.trim(), lock);
  setText("gate-note", "");
  try {
    await status();
  } catch (error) {
    return lock(error.message);
  }
  $("token").value = "";
  $("gate").hidden = true;
  for (const part of ["tools", "views"]) $(part).hidden = false;
  await route();
}

/** Shows the sign-in with a reason. After the sign-in, the page is as before. */
function lock(why) {
  signIn("");
  for (const box of document.querySelectorAll("dialog")) box.close();
  for (const part of document.querySelectorAll(".view, #one, #tools, #views, #configuration")) part.hidden = true;
  view = "";
  $("gate").hidden = false;
  setText("gate-note", why);
  $("token").focus();
}

const configured = () => known.destinations.map(({ name }) => name);

/** Reads the URL: a view, with the state and the destination of its deliveries, or one delivery or rejected request by its ID. */
function parseUrl() {
  const [, kind, id, destination = ""] = /^#(\w+)(?:=([\w-]+))?(?:&destination=([\w-]+))?$/.exec(location.hash) ?? [];
  if (id && ["delivery", "rejected"].includes(kind)) return { view: "one", isDelivery: kind === "delivery", id };
  return { view: Object.hasOwn(VIEWS, kind) ? kind : "deliveries", state: (kind === "state" && id) || "", destination };
}

/** The heading of the part that is shown. */
const title = () => $(`${parseUrl().view}-title`);

/** Shows the part of the page that the URL names. */
async function route() {
  if (!signedIn()) return;
  const one = parseUrl();
  const [before, left] = [view, hash];
  view = one.view;
  hash = view === "one" ? location.hash : "";
  shown = undefined;
  for (const part of document.querySelectorAll(".view, #one")) part.hidden = part.id !== view && part.id !== `${view}-view`;
  navigate();
  if (view === "one") {
    const heading = one.isDelivery ? `Delivery ${one.id}` : "Rejected request";
    document.title = `${heading} – ${TITLE}`;
    scrollTo(0, 0);
    for (const part of ["redeliver", "actions", "details"]) $(part).hidden = true;
    setText("back", one.isDelivery ? "← Deliveries" : "← Rejected");
    if (before === "") $("back").href = one.isDelivery ? "#" : "#rejected";
    setText("one-title", heading);
    $("one-title").focus();
    return refresh();
  }
  document.title = `${title().textContent} – ${TITLE}`;
  $("back").href = location.hash || "#";
  if (view === "deliveries") choose(one, before === "one");
  if (before === view) return refresh();
  scrollTo(0, 0);
  const back = () => left && document.querySelector(`table [href="${left}"]`);
  (back() || title()).focus();
  await refresh();
  if (document.activeElement === title()) (back() || title()).focus();
}

async function refresh() {
  const one = parseUrl();
  await Promise.all([view === "one" ? read(one) : VIEWS[view](), status()]);
}

/** Leaves a request that is no longer kept. */
async function leave() {
  if (view !== "one") return;
  history.replaceState(null, "", "#rejected");
  await route();
}

/** Ends the search, or clears the filter and the state. */
function clear() {
  history.replaceState(null, "", "#");
  $("back").href = "#";
  choose();
  navigate();
  $("filter").reset(); // its listener reads the list
  title().focus();
}

async function read({ isDelivery, id }) {
  const mine = ++turn;
  const path = `${isDelivery ? "deliveries" : "rejected"}/${id}`;
  const details = await ask("GET", path);
  if (mine !== turn) return;
  shown = { ...details, path };
  (isDelivery ? showDelivery : showRejected)(shown, configured());
  $("sending").hidden = !isDelivery;
  $("actions").hidden = isDelivery;
  for (const part of ["body-tools", "body"]) $(part).hidden = shown.body === null;
  showBody();
  $("details").hidden = false;
}

function showBody() {
  const { text, base64 } = shown?.body ?? {};
  let [note, view] = ["", text ?? base64 ?? ""];
  if (base64 !== undefined) note = "Not UTF-8, so this is base64.";
  else if (text === undefined) note = "The body was deleted: its retention time is over, or it was erased.";
  else if ($("pretty").checked) {
    try {
      view = indent(text);
      note = "This page changed the spaces and line breaks. The download has the original bytes.";
    } catch {
      note = "Not JSON, so it is shown as it is.";
    }
  }
  setText("body-note", note);
  setText("body", view);
}

async function download() {
  const { path, body } = shown;
  const name = hash.slice(1).replace("=", "-");
  const bytes = await (await request("GET", `${path}/body`)).blob();
  const url = URL.createObjectURL(bytes);
  make("a", { href: url, download: `${name}.${"text" in body ? "json" : "bin"}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), TIMEOUT_MS);
}

async function redeliver() {
  const { deliveryId } = shown;
  const { destinations } = await ask("POST", `deliveries/${deliveryId}/redeliver`, target());
  if (destinations.length === 0) throw new Error("No destination wants this event. Choose one.");
  announce(`Delivery ${deliveryId} is sent again to ${destinations.join(", ")}.`);
  await refresh();
}

/** Requires the fields of a redelivery that the API requires. */
function requireFields() {
  const isAll = $("revive-state").value === "all";
  $("revive-since").required = isAll;
  $("revive-to").required = isAll || $("revive-from").value !== "";
  choices("revive-to", $("revive-to").required ? "choose one" : "every destination that applies", configured());
}

async function revive() {
  const chosen = { state: $("revive-state").value, destination: $("revive-to").value, from: $("revive-from").value };
  const period = { since: ms("revive-since"), until: ms("revive-until") };
  if (chosen.state === "all") period.until ??= Date.now();
  const all = Object.entries({ ...chosen, ...period }).filter(([, value]) => value);
  const { redelivered } = await ask("POST", "redeliver", Object.fromEntries(all));
  return `Sent again: ${redelivered}.`;
}

/** Continues until all deliveries are erased, or the dialog is closed. */
async function erase(box) {
  const email = $("email").value;
  let all = 0;
  let next = null;
  try {
    do {
      const { erased, cursor } = await ask("POST", "erase", { email, ...(next && { cursor: next }) });
      all += erased;
      next = cursor;
      setText("erased", `Erased so far: ${all}…`);
    } while (next !== null && box.open);
  } catch (error) {
    throw new Error(`${error.message} Erased before the error: ${all}. Erase again to erase the rest.`);
  } finally {
    setText("erased", "");
  }
  return next === null ? `Erased: ${all}.` : `Erased: ${all}, then stopped. There may be more.`;
}

async function status() {
  known = await ask("GET", "status");
  const { version, mode, shards, keys, mistakes, warnings, brokenShards = [], quarantine } = known;
  const { kept, bytes: size, recovered, dropped } = quarantine;
  setText("about", `Version ${version}, ${mode}, shards: ${shards}`);
  setText("broken", brokenShards.length > 0 ? `Shards that did not answer: ${brokenShards.join(", ")}. Their deliveries are missing here.` : "");
  setText("mistaken", mistakes.length > 0 ? "The configuration has mistakes. Correct each one, then deploy or restart the edge. Until then, events are stored and held." : "");
  const sentences = { mistakes, warnings: [...warnings, ...keys.warnings.map((warning) => WARNINGS[warning])] };
  for (const [id, all] of Object.entries(sentences)) put(id, all.map((sentence) => make("li", {}, sentence)));
  $("configuration").hidden = brokenShards.length + mistakes.length + sentences.warnings.length === 0;
  facts("facts", {
    "Last received": time(known.lastReceived),
    "Oldest pending": time(known.oldestPending),
    "Current key": make("div", {}, "last matched: ", time(keys.current)),
    "Previous key": make("div", {}, "last matched: ", time(keys.previous), keys.previousUntil !== null && "; valid until ", keys.previousUntil !== null && time(keys.previousUntil)),
    Duplicates: `${known.duplicates}`,
    Failures: Object.entries(known.failures).map(([code, times]) => `${code}: ${times}`).join(", ") || "none",
    Stored: bytes(known.bytes),
    Quarantine: `kept: ${kept} (${bytes(size)}), recovered: ${recovered}, dropped: ${dropped}`,
  });
  showDestinations(known);
  // A list and a delivery show which destinations are held.
  drawList();
  if (shown?.deliveryId) showDelivery(shown, configured());
  navigate();
}

/** Shows the links to the views and the states, with their numbers. Marks the current ones, and the view of what is shown. */
function navigate() {
  const { view, isDelivery, state = "" } = parseUrl();
  const parent = view === "one" && (isDelivery ? "deliveries" : "rejected");
  const troubled = known.destinations.filter((it) => it.state && it.state !== "ok").length;
  const numbers = { rejected: [known.quarantine.kept, "kept"], drift: [known.drift, "differences"], destinations: [troubled, "failing or paused"] };
  const item = (href, current, ...content) => make("a", { href, ...(current && { "aria-current": current }) }, ...content);
  put("views", Object.keys(VIEWS).filter((name) => name !== "drift" || known.drift !== undefined).map((name) => {
    const [count, counted] = numbers[name] ?? [];
    const number = count > 0 && ` (${count} ${counted})`;
    return item(name === "deliveries" ? "#" : `#${name}`, name === view ? "page" : name === parent && "true", $(`${name}-title`).textContent, number);
  }));
  put("counts", [["all"], ...Object.entries(known.deliveries)].map(([name, count]) => {
    const tile = item(count === undefined ? "#" : `#state=${name}`, state === (count === undefined ? "" : name) && "page", name, count !== undefined && make("span", {}, `${count}`));
    if (count > 0) tile.className = name;
    return tile;
  }));
}

/** Shows a success or a failure. */
function say(done, problem = "") {
  setText("said", done);
  setText("problem", problem);
  $("dismiss").hidden = done + problem === "";
}

/** Shows the result of a button, and takes the focus from the button, so that a second Enter does nothing. */
function announce(done) {
  say(done);
  $("said").focus({ preventScroll: true });
}

/** Runs a task, shows its error, and returns whether it succeeded. */
async function run(task) {
  try {
    await task();
    return true;
  } catch (error) {
    if (signedIn()) say("", error.message);
    return false;
  }
}

/** Runs a task of the user. While it runs, another call does nothing. */
function once(task) {
  let busy = false;
  return async (event) => {
    if (event?.type === "submit") event.preventDefault();
    if (busy) return;
    busy = true;
    working += 1;
    say("");
    await run(() => task(event));
    working -= 1;
    busy = false;
  };
}

/**
 * Asks the user before `act`, which gets the dialog and the button that opened it. An error is shown in the dialog, whose
 * fields keep their values.
 */
function dialog(id, act, prepare = () => {}) {
  const box = $(id);
  let opener;
  const [form, note, close] = ["form", ".note", ".close"].map((part) => box.querySelector(part));
  const cancel = () => {
    form.reset();
    box.close();
  };
  // The listener is not on the button, because a table may render its buttons again.
  addEventListener("click", ({ target }) => {
    if (target.dataset?.opens !== id) return;
    opener = target;
    prepare(opener);
    note.textContent = "";
    box.showModal();
  });
  close.addEventListener("click", cancel);
  box.addEventListener("cancel", cancel);
  form.addEventListener("submit", once(async () => {
    try {
      const done = await act(box, opener);
      cancel();
      say(done); // after the dialog is closed: a screen reader does not announce text behind it
    } catch (error) {
      if (!box.open) throw error;
      return (note.textContent = error.message);
    }
    await refresh();
    // The element that had the focus may be removed.
    if (document.activeElement === document.body) title().focus();
  }));
}
