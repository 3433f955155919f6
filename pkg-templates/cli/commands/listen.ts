import { once } from "node:events";
import { WALNUT_RETRIES } from "../sender/judge.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { Failure, OK, NOT_RUN, usage } from "../failure.js";
import { configuredWebhook, findWebhook, KEY_OPTIONS } from "../key.js";
import { Edge, follow } from "../listen/edge.js";
import { Intake, type Processed } from "../listen/intake.js";
import { type Answer, answer, startReceiver } from "../listen/receiver.js";
import { show } from "../listen/show.js";
import { makeFolder } from "../saved.js";
import { json, paint, say } from "../terminal.js";

const HOUR_MS = 3_600_000;

export const listen: Command = {
  summary: "receive deliveries on this machine: verify, show, save and forward them",
  usage: "[--forward URL] [--save FOLDER]",
  about:
    "Listens on 127.0.0.1, at any path. It responds with 200 to a genuine delivery, once it is saved, and with an error " +
    "to any other request. With --forward, it passes on the response of that URL. With --edge, it gets the deliveries " +
    "from a deployed edge instead, without a tunnel; set ADMIN_TOKEN in the environment. It saves and forwards only " +
    "genuine deliveries, byte for byte. Ctrl-C ends it.",
  positionals: 0,
  options: {
    ...KEY_OPTIONS,
    port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8789" },
    forward: { value: "URL", help: "forward genuine deliveries to this URL" },
    save: { value: "FOLDER", help: "save genuine deliveries in this folder, each in a file of raw HTTP; replay sends them again" },
    status: { value: "N", help: "respond to genuine deliveries with this status, 200 to 599, to see how the sender handles it" },
    delay: { value: "TIME", help: "how long to wait before each response, up to 1h" },
    count: { value: "N", help: "end after N requests" },
    edge: { value: "URL", help: "get the deliveries from the edge at this URL; a key is not needed" },
    since: { value: "TIME", help: "with --edge: get the deliveries that the edge stored since this time, RFC 3339 or how long ago, such as 2h; the default is now" },
    interval: { value: "TIME", help: "with --edge: how often to ask an older edge, which can't wait for deliveries, 100ms to 1h; the default is 2s, and 25s while no delivery arrives" },
  },
  examples: ["listen --forward http://127.0.0.1:3000/webhook --save deliveries", "listen --edge https://walnut.example.com --since 2h --forward http://127.0.0.1:3000/webhook"],
  async run(args, interruption) {
    const edge = args.text("edge") === undefined ? undefined : url(args.text("edge"), "--edge");
    const forward = args.text("forward") === undefined ? undefined : url(args.text("forward"), "--forward");
    for (const name of edge === undefined ? ["since", "interval"] : ["port", "status", "delay"]) {
      if (args.text(name) !== undefined) throw usage(`--${name} ${edge === undefined ? "can only" : "can't"} be used with --edge`);
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
    const countReached = new AbortController();
    const signal = AbortSignal.any([interrupted, countReached.signal]);
    const intake = new Intake(webhook, { folder, forward, retries: edge === undefined ? 0 : WALNUT_RETRIES, signal });
    let shown = 0;
    const showNext = (processed: Processed, status?: number) => {
      if (shown === count) return;
      show(processed, status, args.flag("json"));
      if (++shown === count) countReached.abort();
    };
    if (edge !== undefined) {
      say(`${paint("bold", "Pulling")} from ${edge.origin}, since ${new Date(since).toISOString()}. Ctrl-C ends it.`);
      await follow(new Edge(edge, token, since, signal), interval, async (arrival, known) => showNext(await intake.process(arrival, known)));
      return OK;
    }
    const receiver = await startReceiver(port, (arrival) => intake.process(arrival), (processed) => answerTo(processed, status), delay, showNext, signal);
    if (args.flag("json")) json({ listening: receiver.url });
    else say(`${paint("bold", "Listening")} on ${receiver.url}. Ctrl-C ends it.`);
    if (!signal.aborted) await once(signal, "abort");
    await receiver.stop();
    return OK;
  },
};

/** Returns the response of the `--forward` URL, or else the response that an adapter of walnut-webhooks sends. */
function answerTo({ rejection, forwarded }: Processed, status: number | undefined): Answer {
  if (rejection !== undefined) return answer(rejection);
  if (status !== undefined) return { ...answer(status < 300 ? undefined : { status, code: "as_told", message: "listen --status sets this response" }), status };
  if (forwarded === undefined) return answer(undefined);
  const { last } = forwarded;
  const failed = (problem: string) => answer({ status: 502, code: "origin_failed", message: `the --forward URL ${problem}` });
  if (last.status === null) return failed(`did not respond: ${last.error}`);
  // Not a status of HTTP: Node does not send it.
  if (last.status < 200 || last.status > 599) return failed(`answered ${last.status}`);
  const type = last.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1];
  return { status: last.status, type: type ?? "application/octet-stream", text: last.body };
}

/** Gets the token of the edge's admin API. It is sent only over TLS, or within this machine. */
function adminToken({ protocol, hostname }: URL): string {
  const { ADMIN_TOKEN: token } = process.env;
  if (token === undefined || token === "") throw new Failure("no_token", "the token for the admin API of the edge is missing: set ADMIN_TOKEN", NOT_RUN);
  if (protocol !== "https:" && !/^(127\.[\d.]+|localhost|\[::1\])$/.test(hostname)) throw usage("--edge must begin with https://, since the token is sent to it");
  return token;
}
