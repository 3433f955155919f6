// Send: sends events as Walnut does, to any URL, and judges the responses as Walnut does.
import type { Item } from "../../pkg-templates/cli/sender/plan.js";
import { trimmed, run, type Result } from "../../pkg-templates/cli/sender/run.js";
import { summary } from "../../pkg-templates/cli/sender/summary.js";
import { announce } from "../page/announce.js";
import { choose, element, make, setText } from "../page/dom.js";
import { token } from "../page/fragment.js";
import { focusKey, keys, webhook } from "../page/keys.js";
import { showAnswer } from "./answer.js";
import { chart, type Point } from "./chart.js";
import { postDirectly } from "./direct.js";
import { postByRelay } from "./relayed.js";
import { type Settings, settings } from "./settings.js";
import { summaryTable } from "./table.js";

/**
 * The number of connections that a browser opens to one host. Further requests would wait, which would count as
 * latency.
 */
const CONCURRENCY = 6;

/** The time between two drawings, in milliseconds. A shorter time would slow down the requests that are measured. */
const DRAW_MS = 150;

const button = element("send-button", HTMLButtonElement);
const stop = element("stop", HTMLButtonElement);
const bar = element("progress", HTMLProgressElement);
const count = element("progress-text", HTMLElement);
const note = element("send-note", HTMLElement);

/** Aborts the current run, if there is one. */
let running: AbortController | undefined;

/** Makes the view work. */
export function startSend(): void {
  const hasRelay = token() !== null;
  element("through-relay", HTMLInputElement).disabled = !hasRelay;
  choose("through", hasRelay ? "relay" : "direct");
  const hint = () => {
    const isByRelay = element("through-relay", HTMLInputElement).checked;
    element("cors", HTMLElement).hidden = isByRelay;
    element("no-relay", HTMLElement).hidden = hasRelay;
  };
  for (const radio of document.querySelectorAll('input[name="through"]')) radio.addEventListener("change", hint);
  hint();
  element("send-form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (running === undefined) void begin();
  });
  stop.addEventListener("click", () => running?.abort());
}

async function begin(): Promise<void> {
  setText(note, "");
  // Otherwise, the response to an earlier request would look like the response to this one.
  clear();
  if (keys().length === 0) {
    setText(note, "Enter the key first: it signs the events.");
    return focusKey();
  }
  try {
    webhook();
  } catch (error) {
    return setText(note, (error as Error).message);
  }
  const form = settings();
  if (form === undefined) return;
  running = new AbortController();
  show(true);
  await send(form, running.signal);
  running = undefined;
  show(false);
}

/** Shows whether a run is in progress. Nothing is disabled, so the focus does not move. */
function show(isRunning: boolean): void {
  button.setAttribute("aria-disabled", String(isRunning));
  if (document.activeElement === stop) button.focus();
  stop.hidden = !isRunning;
}

/** Removes the responses of the previous run. */
function clear(): void {
  for (const id of ["chart", "table", "answer"]) element(id, HTMLElement).replaceChildren();
  element("chart", HTMLElement).hidden = true;
  element("progress-part", HTMLElement).hidden = true;
  element("send-empty", HTMLElement).hidden = false;
}

async function send({ url, isByRelay, items, rate }: Settings, signal: AbortSignal): Promise<void> {
  const began = performance.now();
  const results: Result<Item>[] = [];
  const points: Point[] = [];
  const isMany = items.length > 1;
  element("progress-part", HTMLElement).hidden = false;
  bar.max = items.length;
  element("send-empty", HTMLElement).hidden = true;

  const draw = () => {
    bar.value = results.length;
    setText(count, `${results.length.toLocaleString("en")} of ${items.length.toLocaleString("en")}`);
    if (!isMany || results.length === 0) return;
    const place = element("chart", HTMLElement);
    place.hidden = false;
    // The chart is not laid out yet, but the bar above it has the same width.
    place.replaceChildren(chart(points, bar.clientWidth), legend());
    element("table", HTMLElement).replaceChildren(summaryTable(summary(results)));
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const post = (item: Item, signal: AbortSignal) => {
    const key = token();
    return isByRelay && key !== null ? postByRelay(key, url, item, signal) : postDirectly(url, item, signal);
  };
  draw();
  await run(items, post, { rate, concurrency: CONCURRENCY, retries: 0, backoff: 0, signal }, (result) => {
    // If there are many results, only the first unexpected one is shown with its body.
    const isShown = !isMany || (!result.ok && results.every(({ ok }) => ok));
    results.push(isShown ? result : trimmed(result, 0));
    points.push({ at: performance.now() - began, ms: result.last.ms, ok: result.ok });
    timer ??= setTimeout(() => {
      timer = undefined;
      draw();
    }, DRAW_MS);
  });
  clearTimeout(timer);
  draw();
  showOutcome(results, items.length, { url, isByRelay }, signal.aborted);
}

/** Shows the response to a single request, or the first unexpected response to many requests. */
function showOutcome(results: readonly Result<Item>[], planned: number, { url, isByRelay }: Pick<Settings, "url" | "isByRelay">, isStopped: boolean): void {
  const wrong = results.filter(({ ok }) => !ok);
  const shown = planned === 1 ? results[0] : wrong[0];
  const title = planned === 1 ? [] : [make("h3", {}, "The first response that is not as expected")];
  element("answer", HTMLElement).replaceChildren(...(shown === undefined ? [] : [...title, ...showAnswer(shown, url, isByRelay)]));
  const outcome = planned === 1 && shown !== undefined
    ? `${shown.last.status ?? "No response"}. ${shown.judgement.why}.`
    : `${results.length - wrong.length} of ${results.length} as expected.`;
  const stopped = `Stopped: ${results.length} of ${planned} were answered.`;
  const text = !isStopped ? outcome : results.length === 0 ? stopped : `${stopped} ${outcome}`;
  setText(element("outcome", HTMLElement), planned === 1 && !isStopped ? "" : text);
  announce(text);
}

function legend(): HTMLElement {
  return make("p", { class: "legend hint" }, make("span", { class: "dot" }, "● as expected"), make("span", { class: "cross" }, "✕ not as expected"));
}
