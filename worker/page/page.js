// The page of the delivery log. It decides nothing: it asks the API and shows what comes back.
import { ask, askList, request, signIn, signedIn, TIMEOUT_MS } from "./api.js";
import { $, badge, bytes, choices, facts, fill, indent, link, make, ms, put, tell, time } from "./elements.js";
import { listRejected, moreRejected, showRejected } from "./rejected.js";

const PAGE = 50;
const AUTO_MS = 10_000;
const WARNINGS = {
  only_previous: "Lately only the previous key has matched: Walnut does not sign with the current one.",
  previous_ends_soon: "The previous key ends in less than a day: nothing that Walnut signs with it is taken then.",
};
const TITLE = document.title;

/** The filters in force, by the names of the API's parameters. */
let filters = {};
/** The list as far as it is shown, and where it goes on. */
let deliveries = [];
let cursor = null;
/** The delivery or the rejected request that is shown. */
let shown;
/** The names of the destinations that are configured. */
let configured = [];
/** The part of the URL that names it. */
let hash = "";
/** Counts what was asked for to be shown: a late answer must not replace a newer one. */
let turn = 0;
/** How many of the user's own requests are under way. */
let working = 0;

const on = (id, type, task) => $(id).addEventListener(type, once(task));

on("enter", "submit", enter);
on("filter", "submit", filter);
$("filter").addEventListener("reset", () => setTimeout(once(filter))); // once its fields are empty
on("older", "click", older);
on("more", "click", moreRejected);
on("refresh", "click", refresh);
on("leave", "click", () => location.reload()); // which forgets everything
on("dismiss", "click", () => title().focus());
on("download", "click", download);
on("redeliver", "submit", redeliver);
on("pretty", "change", showBody);
addEventListener("hashchange", () => once(route)()); // which is not to wait for what was asked for before
setInterval(async () => {
  if (!$("auto").checked || !signedIn() || working > 0 || document.hidden || document.querySelector("dialog[open]")) return;
  if (!(await run(refresh))) $("auto").checked = false;
}, AUTO_MS);
dialog("revive", revive, () => {
  for (const end of ["since", "until"]) $(`revive-${end}`).value ||= $(end).value;
  choices("revive-to", "all destinations", configured);
});
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
$("token").focus();

async function enter() {
  signIn($("token").value.trim(), lock);
  tell("gate-note", "");
  try {
    await status();
  } catch (error) {
    return lock(error.message);
  }
  $("token").value = "";
  $("gate").hidden = true;
  $("tools").hidden = false;
  await route();
}

/** Shows the way in, and why. What was on the page is there again after it. */
function lock(why) {
  signIn("");
  for (const box of document.querySelectorAll("dialog")) box.close();
  for (const part of ["overview", "one", "tools"]) $(part).hidden = true;
  $("gate").hidden = false;
  tell("gate-note", why);
  $("token").focus();
}

/** What the URL names, by its kind and its ID; nothing if it is the overview. */
function named() {
  const [, kind, id] = /^#(delivery|rejected)=([\w-]+)$/.exec(location.hash) ?? [];
  return kind && { isDelivery: kind === "delivery", id };
}

/** What heads the part that is shown. */
function title() {
  return $(named() ? "one-title" : "log-title");
}

/** Shows what the URL names: a delivery, a rejected request, or all of them. */
async function route() {
  if (!signedIn()) return;
  const one = named();
  const left = hash;
  hash = one ? location.hash : "";
  shown = undefined;
  $("overview").hidden = Boolean(one);
  $("one").hidden = !one;
  const heading = one?.isDelivery ? `Delivery ${one.id}` : "Rejected request";
  document.title = one ? `${heading} – ${TITLE}` : TITLE;
  scrollTo(0, 0);
  if (one) {
    for (const part of ["redeliver", "actions", "details"]) $(part).hidden = true;
    tell("one-title", heading);
    $("one-title").focus();
    return read(one);
  }
  const back = () => document.querySelector(`table [href="${left}"]`);
  (back() ?? $("log-title")).focus();
  await refresh();
  if (document.activeElement === $("log-title")) back()?.focus();
}

async function refresh() {
  const one = named();
  await (one ? read(one) : Promise.all([list(), listRejected(), status()]));
}

/** Leaves a request that is no longer kept. */
async function leave() {
  if (!named()) return;
  history.replaceState(null, "", "#");
  await route();
}

async function filter() {
  const entered = { state: $("state").value, name: $("name").value, since: ms("since"), until: ms("until") };
  filters = Object.fromEntries(Object.entries(entered).filter(([, value]) => value));
  await list(PAGE);
}

async function older() {
  const before = deliveries.length;
  await list(before + PAGE, deliveries, cursor);
  if ($("older").hidden) document.querySelectorAll("#deliveries a")[before]?.focus();
}

/** Reads the list up to a length, anew or on from what is known of it. */
async function list(length = Math.max(PAGE, deliveries.length), known = [], next = null) {
  const mine = ++turn;
  const answer = await askList("deliveries", { length, filters, found: known, cursor: next, isWanted: () => mine === turn });
  if (answer === undefined) return;
  const { found } = answer;
  deliveries = found;
  cursor = answer.cursor;
  $("older").hidden = cursor === null;
  tell("shown", `Shown: ${found.length}${cursor === null ? ", all" : ""}. Time zone: ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`);
  fill("deliveries", found, ({ deliveryId, kind, received, name, state, sends }) => ({
    Delivery: make("div", {}, link(deliveryId), kind !== "first" && make("i", {}, ` ${kind}`)),
    Received: time(received),
    Event: name ?? "no name",
    State: badge(state),
    Destinations: make("div", { class: "sends" }, ...(sends.length > 0 ? sends.map((send) =>
      make("div", {}, badge(send.state, send.destination), make("span", { class: "unseen" }, ` ${send.state}`), ` ${send.reason ?? ""}`)) : ["–"])),
  }));
}

async function read({ isDelivery, id }) {
  const mine = ++turn;
  const path = `${isDelivery ? "deliveries" : "rejected"}/${id}`;
  const details = await ask("GET", path);
  if (mine !== turn) return;
  shown = { ...details, path };
  (isDelivery ? showDelivery : showRejected)(shown);
  $("sending").hidden = !isDelivery;
  $("actions").hidden = isDelivery;
  for (const part of ["body-tools", "body"]) $(part).hidden = shown.body === null;
  showBody();
  $("details").hidden = false;
}

function showDelivery() {
  facts("fields", {
    State: badge(shown.state),
    Event: shown.name ?? "no name",
    Type: shown.type,
    Id: shown.id,
    Kind: shown.kind,
    "Same id": shown.related.length > 0 ? make("div", { class: "row" }, ...shown.related.map(link)) : "no other",
    Received: time(shown.received),
    Ended: time(shown.ended),
    Duplicates: `${shown.duplicates}`,
    "Last duplicate": time(shown.lastDuplicate),
    Size: bytes(shown.size),
    "Content type": shown.contentType ?? "–",
    Signature: shown.signature ?? "–",
    "Signed with": `the ${shown.signedWith} key`,
  });
  fill("sends", shown.sends, ({ destination, state, reason, attempts, due }) => ({
    Destination: destination,
    State: make("div", {}, badge(state), ` ${reason ?? ""}`),
    Attempts: `${attempts}`,
    Next: state === "pending" ? time(due) : "–",
  }));
  fill("attempts", shown.attempts, ({ destination, at, ms, status, code }) => ({
    At: time(at),
    Destination: destination,
    Answer: `${status ?? ""} ${code ?? ""}`.trim() || "–",
    Took: `${ms.toLocaleString("en")} ms`,
  }));
  $("redeliver").hidden = shown.body === null;
  choices("to", "all destinations", configured);
}

function showBody() {
  const { text, base64 } = shown?.body ?? {};
  let [note, view] = ["", text ?? base64 ?? ""];
  if (base64 !== undefined) note = "Not UTF-8, so this is base64.";
  else if (text === undefined) note = "Gone: forgotten after its time, or erased.";
  else if ($("pretty").checked) {
    try {
      view = indent(text);
      note = "Spaces and line breaks are this page’s: the download has the bytes that arrived.";
    } catch {
      note = "Not JSON, so it is shown as it is.";
    }
  }
  tell("body-note", note);
  tell("body", view);
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
  const destination = $("to").value;
  const { destinations } = await ask("POST", `deliveries/${deliveryId}/redeliver`, destination ? { destination } : {});
  if (destinations.length === 0) throw new Error("No destination wants this event: choose one.");
  say(`Delivery ${deliveryId} is sent again to ${destinations.join(", ")}.`);
  await refresh();
}

async function revive() {
  const destination = $("revive-to").value;
  const period = { since: ms("revive-since"), until: ms("revive-until") ?? Date.now() };
  const { redelivered } = await ask("POST", "redeliver", { ...period, ...(destination && { destination }) });
  return `Sent again: ${redelivered}.`;
}

/** Goes on until all are erased, or the dialog is closed. */
async function erase(box) {
  const email = $("email").value;
  let all = 0;
  let next = null;
  try {
    do {
      const { erased, cursor } = await ask("POST", "erase", { email, ...(next && { cursor: next }) });
      all += erased;
      next = cursor;
      tell("erased", `Erased so far: ${all}…`);
    } while (next !== null && box.open);
  } catch (error) {
    throw new Error(`${error.message} Erased until then: ${all}. Erase again for the rest.`);
  } finally {
    tell("erased", "");
  }
  return next === null ? `Erased: ${all}.` : `Erased: ${all}, then stopped. There may be more.`;
}

async function status() {
  const { version, mode, shards, deliveries, keys, destinations, ...rest } = await ask("GET", "status");
  configured = destinations.map(({ name }) => name);
  tell("about", `Version ${version}, ${mode}, shards: ${shards}`);
  tell("warning", keys.warnings.map((warning) => WARNINGS[warning]).join(" "));
  const { mistakes, warnings } = rest;
  const { kept, bytes: size, recovered, dropped } = rest.quarantine;
  tell("mistaken", mistakes.length > 0 ? "There are mistakes. Correct each one, and deploy again." : "");
  for (const [id, sentences] of Object.entries({ mistakes, warnings })) put(id, sentences.map((sentence) => make("li", {}, sentence)));
  $("configuration").hidden = mistakes.length + warnings.length === 0;
  choices("state", "any", Object.keys(deliveries));
  put("counts", Object.entries(deliveries).map(([state, count]) =>
    make("div", { class: count > 0 ? state : "" }, make("dt", {}, state), make("dd", {}, `${count}`))));
  facts("facts", {
    "Last received": time(rest.lastReceived),
    "Oldest pending": time(rest.oldestPending),
    "Current key": make("div", {}, "last matched: ", time(keys.current)),
    "Previous key": make("div", {}, "last matched: ", time(keys.previous), keys.previousUntil !== null && "; valid until ", keys.previousUntil !== null && time(keys.previousUntil)),
    Duplicates: `${rest.duplicates}`,
    Failures: Object.entries(rest.failures).map(([code, times]) => `${code}: ${times}`).join(", ") || "none",
    Stored: bytes(rest.bytes),
    Quarantine: `kept: ${kept} (${bytes(size)}), recovered: ${recovered}, dropped: ${dropped}`,
  });
  fill("destinations", destinations, ({ name, pending, lastTaken, lastFailed, lastCode }) => ({
    Name: name,
    Pending: `${pending}`,
    "Last taken": time(lastTaken),
    "Last failed": make("div", {}, time(lastFailed), ` ${lastCode ?? ""}`),
  }));
}

/** Tells what was done, or what went wrong. */
function say(done, problem = "") {
  tell("said", done);
  tell("problem", problem);
  $("dismiss").hidden = done + problem === "";
}

/** Does something, shows what goes wrong, and says whether it went well. */
async function run(task) {
  try {
    await task();
    return true;
  } catch (error) {
    if (signedIn()) say("", error.message);
    return false;
  }
}

/** Does what the user asks for, once at a time: to ask again meanwhile does nothing. */
function once(task) {
  let busy = false;
  return async (event) => {
    if (event?.type === "submit") event.preventDefault();
    if (busy) return;
    busy = true;
    working += 1;
    say("");
    await run(task);
    working -= 1;
    busy = false;
  };
}

/**
 * Asks before it acts; `act` gets the dialog, and the button that opened it. What goes wrong is shown in the dialog, whose
 * fields stay as they are.
 */
function dialog(id, act, prepare = () => {}) {
  const box = $(id);
  let opener;
  const [form, note, close] = ["form", ".note", ".close"].map((part) => box.querySelector(part));
  const cancel = () => {
    form.reset();
    box.close();
  };
  // Its button may be in a table that is made again.
  addEventListener("click", ({ target }) => {
    if (target.dataset?.opens !== id) return;
    opener = target;
    prepare();
    note.textContent = "";
    box.showModal();
  });
  close.addEventListener("click", cancel);
  box.addEventListener("cancel", cancel);
  form.addEventListener("submit", once(async () => {
    try {
      const done = await act(box, opener);
      cancel();
      say(done); // which nobody hears behind a dialog
    } catch (error) {
      if (!box.open) throw error;
      return (note.textContent = error.message);
    }
    await refresh();
    // What had the focus may be gone with what was done.
    if (document.activeElement === document.body) title().focus();
  }));
}
