// The destinations with their buttons, and the differences between events and the documentation.
import { ask } from "./api.js";
import { $, badge, fill, make, time, words } from "./elements.js";

const WHY = {
  refused: "It refuses the connection.",
  dns: "Its host name is unknown.",
  tls: "The TLS handshake fails: its certificate is not accepted, or the port does not speak TLS.",
  timeout: "It does not answer in time.",
  reset: "It closes the connection.",
};

const KINDS = { added: "not documented", missing: "missing", type: "of another type" };

let known = [];

export function showDestinations({ destinations, stranded = [] }) {
  known = destinations;
  fill("destinations", destinations, ({ name, state = "ok", pending, lastTaken, ...rest }) => ({
    Name: make("div", {}, name, " ", badge(state)),
    Problem: problem(state, rest),
    Since: since(state, rest),
    "Last success": time(lastTaken),
    Waiting: waiting(name, pending),
    Action: make("div", { class: "row" },
      state !== "paused" && button(name, "Pause"),
      // Without it, each waiting delivery would wait for its next attempt, even if the destination works again.
      (state === "paused" || pending > 0) && button(name, "Resume")),
  }), "No destination is configured.");
  $("stranded-part").hidden = stranded.length === 0;
  fill("stranded", stranded, ({ name, pending }) => ({
    Name: name,
    Waiting: waiting(name, pending),
    Action: make("button", { value: name, "data-opens": "revive" }, "Redeliver to another…"),
  }));
}

function button(name, text) {
  return make("button", { value: `${text.toLowerCase()} ${name}` }, text);
}

/** Returns why a destination gets no deliveries now. A hold that ends before a delivery is `due` does not count. */
export function whyWaiting(name, due = 0) {
  const { state, heldUntil } = known.find((it) => it.name === name) ?? { state: "not configured" };
  if (state === "held") return heldUntil > Math.max(due, Date.now()) ? make("span", {}, "held until ", time(heldUntil)) : undefined;
  return ["paused", "not configured"].includes(state) ? state : undefined;
}

function waiting(name, pending) {
  return pending > 0 ? make("a", { href: `#state=pending&destination=${name}` }, `${pending}`) : "0";
}

/** Shows since when a destination fails. A pause has its own time. */
function since(state, { failingSince = null, pausedSince }) {
  if (state !== "paused") return time(failingSince);
  return make("div", {}, make("div", {}, "paused: ", time(pausedSince)), failingSince !== null && make("div", {}, "failing: ", time(failingSince)));
}

function problem(state, { failures, how, heldUntil, lastFailed, lastCode, lastStatus }) {
  if (!failures) return make("div", {}, "none", ...(lastFailed ? ["; last failure ", time(lastFailed), ` ${lastCode ?? ""}`] : []));
  const text = [how && (WHY[how] ?? `It answers with the status ${lastStatus}.`), lastCode && `(${lastCode})`, failures > 0 && `Failures in a row: ${failures}.`];
  return make("div", {}, text.filter(Boolean).join(" "), ...(state === "held" ? [" Next attempt: ", time(heldUntil)] : []));
}

/** Pauses or resumes the destination of a button; returns a message about it. */
export async function pauseOrResume({ value }) {
  const [action, name] = value.split(" ");
  await ask("POST", `destinations/${name}/${action}`);
  return action === "pause" ? `${name} is paused. Its deliveries wait.` : `${name} is resumed.`;
}

export async function listDrift() {
  const { drift } = await ask("GET", "drift");
  fill("drift", drift, ({ event, path, kind, times, first, last }) => ({
    Path: path,
    Event: words(event),
    Difference: KINDS[kind] ?? kind,
    Times: `${times}`,
    First: time(first),
    Last: time(last),
  }), "No event differed from the documentation.");
}
