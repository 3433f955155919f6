import { WALNUT_TIMEOUT_MS } from "../sender/judge.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { type Examined, examine, type Patience } from "../doctor/examine.js";
import { judgeAll } from "../doctor/judge.js";
import { PROBES, probes } from "../doctor/probes.js";
import { unreachable } from "../doctor/reach.js";
import { report, reportJson, showReport } from "../doctor/report.js";
import { Failure, INTERRUPTED, OK, CHECK_FAILED, NOT_RUN } from "../failure.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { clearProgress, json, progress } from "../terminal.js";

export const doctor: Command = {
  summary: "find out how an endpoint takes what Walnut, strangers and time will send it",
  usage: "URL",
  about:
    `Sends ${PROBES} requests, most of them genuinely signed: deliveries, duplicates, large and unknown events, forgeries, a ` +
    "client that stalls. All events are marked is_test: true, so that they can be told from real ones. The exit status is " +
    "0 where nothing is found, 1 where something is, and 2 where the endpoint can't be reached.",
  positionals: 1,
  options: {
    ...KEY_OPTIONS,
    patience: { value: "TIME", help: "how long a client that stalls may be waited for, up to 5m; 15s by default" },
    timeout: { value: "TIME", help: "how long an answer may take, up to 30s, which is what Walnut waits, and the default" },
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

/** Sends the probes, and shows how far they are; unless nobody is there, or it is interrupted. */
async function examineReached(target: URL, sign: (body: Uint8Array) => string, patience: Patience, signal: AbortSignal): Promise<Examined[]> {
  const why = await unreachable(target, signal);
  if (why !== undefined) throw new Failure("unreachable", `${target.origin} can't be reached: ${why}`, NOT_RUN);
  let done = 0;
  const show = () => progress(done, PROBES, done === PROBES - 1 ? "the client that stalls" : "");
  show();
  const examined = await examine(target, probes(sign), patience, signal, () => {
    done++;
    show();
  });
  clearProgress();
  if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
  return examined;
}
