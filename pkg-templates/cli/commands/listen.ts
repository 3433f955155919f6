import { once } from "node:events";
import { WALNUT_RETRIES } from "../sender/judge.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { Failure, OK, NOT_RUN, usage } from "../failure.js";
import { configuredWebhook, findWebhook, KEY_OPTIONS } from "../key.js";
import { Edge, follow } from "../listen/edge.js";
import { Intake, type Taken } from "../listen/intake.js";
import { type Answer, answer, startReceiver } from "../listen/receiver.js";
import { show } from "../listen/show.js";
import { makeFolder } from "../saved.js";
import { json, paint, say } from "../terminal.js";

const HOUR_MS = 3_600_000;

export const listen: Command = {
  summary: "receive deliveries here: verify, show, save and forward them",
  usage: "[--forward URL] [--save FOLDER]",
  about:
    "Listens on 127.0.0.1, at any path, and answers as an endpoint should: 200 to what is genuine, once it is saved; the " +
    "error to what is not. With --forward, it answers what that URL answered. With --edge, it pulls from a deployed " +
    "edge instead, whose ADMIN_TOKEN is to be in the environment: real events, without a tunnel. Only what is genuine " +
    "is saved and forwarded, byte for byte. Ctrl-C ends it.",
  positionals: 0,
  options: {
    ...KEY_OPTIONS,
    port: { value: "N", help: "where to listen, 0 for any that is free; 8789 by default" },
    forward: { value: "URL", help: "where to send on to what is genuine" },
    save: { value: "FOLDER", help: "where to save what is genuine, each as a file of raw HTTP; replay sends them again" },
    status: { value: "N", help: "what to answer to what is genuine instead, 200 to 599: to see how failures are taken" },
    delay: { value: "TIME", help: "how long to wait before each answer, up to 1h" },
    count: { value: "N", help: "end after so many requests" },
    edge: { value: "URL", help: "where a deployed edge is; a key is not needed then" },
    since: { value: "TIME", help: "with --edge: from when on, RFC 3339 or so long ago, such as 2h; from now on by default" },
    interval: { value: "TIME", help: "with --edge: how often to ask, 100ms to 1h; 2s by default" },
  },
  examples: ["listen --forward http://127.0.0.1:3000/webhook --save deliveries", "listen --edge https://walnut.example.com --since 2h --forward http://127.0.0.1:3000/webhook"],
  async run(args, interruption) {
    const edge = args.text("edge") === undefined ? undefined : url(args.text("edge"), "--edge");
    const forward = args.text("forward") === undefined ? undefined : url(args.text("forward"), "--forward");
    for (const name of edge === undefined ? ["since", "interval"] : ["port", "status", "delay"]) {
      if (args.text(name) !== undefined) throw usage(`--${name} is ${edge === undefined ? "only" : "not"} for --edge`);
    }
    const status = args.text("status") === undefined ? undefined : args.whole("status", 200, 200, 599);
    const delay = args.duration("delay", 0, HOUR_MS);
    const count = args.text("count") === undefined ? Infinity : args.whole("count", 1, 1, 1_000_000);
    const port = args.whole("port", 8789, 0, 65_535);
    const since = args.time("since") ?? Date.now();
    const interval = args.duration("interval", 2000, HOUR_MS, 100);
    const token = edge === undefined ? "" : adminToken(edge);
    const webhook = await (edge === undefined ? findWebhook(args) : configuredWebhook(args));
    const folder = args.text("save");
    if (folder !== undefined) await makeFolder(folder);

    const interrupted = interruption();
    const enough = new AbortController();
    const signal = AbortSignal.any([interrupted, enough.signal]);
    const intake = new Intake(webhook, { folder, forward, retries: edge === undefined ? 0 : WALNUT_RETRIES, signal });
    let shown = 0;
    const tell = (taken: Taken, status?: number) => {
      if (shown === count) return;
      show(taken, status, args.flag("json"));
      if (++shown === count) enough.abort();
    };
    if (edge !== undefined) {
      say(`${paint("bold", "Pulling")} from ${edge.origin}, since ${new Date(since).toISOString()}. Ctrl-C ends it.`);
      await follow(new Edge(edge, token, since, signal), interval, async (arrival, known) => tell(await intake.take(arrival, known)));
      return OK;
    }
    const receiver = await startReceiver(port, (arrival) => intake.take(arrival), (taken) => answerTo(taken, status), delay, tell, signal);
    if (args.flag("json")) json({ listening: receiver.url });
    else say(`${paint("bold", "Listening")} on ${receiver.url}. Ctrl-C ends it.`);
    if (!signal.aborted) await once(signal, "abort");
    await receiver.stop();
    return OK;
  },
};

/** Answers as this package's adapters do, or as the URL did that it was forwarded to. */
function answerTo({ refusal, forwarded }: Taken, status: number | undefined): Answer {
  if (refusal !== undefined) return answer(refusal);
  if (status !== undefined) return { ...answer(status < 300 ? undefined : { status, code: "as_told", message: "listen --status says so" }), status };
  if (forwarded === undefined) return answer(undefined);
  const { last } = forwarded;
  const failed = (what: string) => answer({ status: 502, code: "origin_failed", message: `the URL to forward to ${what}` });
  if (last.status === null) return failed(`did not answer: ${last.error}`);
  // HTTP has no others, and Node writes none.
  if (last.status < 200 || last.status > 599) return failed(`answered ${last.status}`);
  const type = last.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  return { status: last.status, type: type ?? "application/octet-stream", text: last.body };
}

/** Gets the token of the edge's admin API, which only goes where nobody reads along. */
function adminToken({ protocol, hostname }: URL): string {
  const { ADMIN_TOKEN: token } = process.env;
  if (token === undefined || token === "") throw new Failure("no_token", "there is no token for the edge's admin API: set ADMIN_TOKEN", NOT_RUN);
  if (protocol !== "https:" && !/^(127\.[\d.]+|localhost|\[::1\])$/.test(hostname)) throw usage("--edge must be https, since the token goes there");
  return token;
}
