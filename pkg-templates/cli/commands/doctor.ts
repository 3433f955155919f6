import { WALNUT_TIMEOUT_MS } from "../sender/judge.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { type Examined, examine, type Patience } from "../doctor/examine.js";
import { isWrongUrl, judgeAll } from "../doctor/judge.js";
import { PROBES, probes } from "../doctor/probes.js";
import { unreachable } from "../doctor/reach.js";
import { report, reportJson, showReport } from "../doctor/report.js";
import { Failure, INTERRUPTED, OK, CHECK_FAILED, NOT_RUN } from "../failure.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { clearProgress, json, progress } from "../terminal.js";

export const doctor: Command = {
  summary: "test how an endpoint handles genuine, forged and malformed requests",
  usage: "URL",
  about:
    `Sends ${PROBES} requests, most of them with a valid signature: deliveries, a duplicate, large and unknown events, ` +
    "forgeries, and half a request. All events are marked is_test: true, so that the endpoint can recognize them. " +
    "If the URL is wrong, only the first request is sent. The exit status is 0 without findings, 1 with findings, and 2 if the endpoint " +
    "can't be reached.",
  positionals: 1,
  options: {
    ...KEY_OPTIONS,
    patience: { value: "TIME", help: "how long the endpoint may wait for the rest of half a request, up to 5m; the default is 15s" },
    timeout: { value: "TIME", help: "how long to wait for a response, up to 30s, which is Walnut's limit and the default" },
  },
  examples: ["doctor http://127.0.0.1:3000/webhook", "doctor https://hooks.example.com/walnut --key-file key.txt --json"],
  async run(args, interruption) {
    const target = url(args.positionals[0]);
    const patience = {
      patience: args.duration("patience", 15_000, 300_000, 1),
      timeout: args.duration("timeout", WALNUT_TIMEOUT_MS, WALNUT_TIMEOUT_MS, 1),
    };
    const webhook = await findWebhook(args);
    const signal = interruption();
    const examined = await examineReached(target, (body) => webhook.sign(body), patience, signal);
    const found = report(target, judgeAll(examined));
    if (args.flag("json")) json(reportJson(target, found));
    else showReport(found, patience);
    return found.found.length === 0 ? OK : CHECK_FAILED;
  },
};

/** Sends the probes and shows the progress. It fails if the endpoint can't be reached, or after Ctrl-C. */
async function examineReached(target: URL, sign: (body: Uint8Array) => string, patience: Patience, signal: AbortSignal): Promise<Examined[]> {
  const why = await unreachable(target, signal);
  if (why !== undefined) throw new Failure("unreachable", `${target.origin} can't be reached: ${why}`, NOT_RUN);
  let done = 0;
  const show = () => progress(done, PROBES, done === PROBES - 1 ? "half a request" : "");
  show();
  const examined = await examine(target, probes(sign), patience, signal, () => {
    done++;
    show();
  }, isWrongUrl);
  clearProgress();
  if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
  return examined;
}
