import { once } from "node:events";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, NAME } from "../command.js";
import { CHECK_FAILED, OK } from "../failure.js";
import { json, line, paint, say, wrapped } from "../terminal.js";
import { decisionLines, parseDecision, receivedLine } from "./decisions.js";
import { type LocalEdge, startLocal } from "./local.js";
import { dataFolder } from "./folder.js";
import { findWorkerd } from "./project.js";
import { type Received, startSampleOrigin } from "./sample-origin.js";
import { DESTINATIONS, hasDestination, variables } from "./variables.js";

/** The file of wrangler's local variables. */
const FILE = ".dev.vars";

/** A key to try out the set-up with. */
const SETUP_KEY = "a-key-to-try-the-set-up";

export const edgeDev: Command = {
  summary: "try the edge on this machine",
  usage: "[--data DIR] [--port N] [--origin-port N]",
  about:
    `Runs the Worker in workerd. The variables come from the file ${FILE} of this folder. Unless the file sets them, the command makes ` +
    "up a key, an admin token, and an origin that answers 200 and shows each event. Ctrl-C ends it.",
  positionals: 0,
  options: {
    data: { value: "DIR", help: "the folder of the storage; the default is a temporary one, which is removed at the end" },
    port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8787" },
    "origin-port": { value: "N", help: "the port of the sample origin; the default is any free port" },
  },
  examples: ["edge dev", "edge dev --data dev-data"],
  async run(args, interruption) {
    const data = dataFolder(args.text("data"));
    const port = args.whole("port", 8787, 0, 65_535);
    const originPort = args.whole("origin-port", 0, 0, 65_535);
    const isJson = args.flag("json");
    const set = variables(existsSync(FILE) ? FILE : undefined, {});
    const workerd = findWorkerd(process.cwd());
    const signal = interruption();
    // Only this user can read the files that workerd writes.
    process.umask(0o077);
    const receive = (event: Received) => (isJson ? json({ event: "received", ...event }) : line(receivedLine(event)));
    const origin = await startSampleOrigin(originPort, receive);
    let edge: LocalEdge | undefined;
    try {
      // Lines that the edge logs before it is ready are shown after the URLs.
      const early: string[] = [];
      const log = (text: string) => (edge === undefined ? early.push(text) : show(text, isJson));
      edge = await startLocal({ workerd, data, port, variables: set, origin: `${origin.origin}/webhook`, log });
      if (isJson) json({ event: "started", webhook: edge.webhook, admin: edge.admin, madeUp: edge.madeUp });
      else line(introduction(edge, set, data));
      for (const text of early) show(text, isJson);
      const aborted = signal.aborted ? Promise.resolve() : once(signal, "abort");
      const ended = await Promise.race([edge.ended, aborted.then(() => undefined)]);
      if (ended === undefined) {
        await edge.stop();
        return OK;
      }
      say(`workerd has ended: ${ended}`);
      return CHECK_FAILED;
    } finally {
      await origin.stop();
    }
  },
};

function show(text: string, isJson: boolean): void {
  const entry = parseDecision(text);
  if (isJson) return entry === undefined ? json({ event: "runtime", text }) : line(text);
  if (entry === undefined) return say(text);
  for (const shown of decisionLines(entry)) line(shown);
}

/** The URLs, and how to send an event. */
function introduction({ webhook, admin, madeUp }: LocalEdge, set: Readonly<Record<string, string>>, data: string | undefined): string {
  const isSetup = set.SETUP === "1" && set.WALNUT_WEBHOOK_KEY === undefined;
  const restart = data === undefined ? "(a restart keeps events only if both runs have the same --data DIR)" : "with the same --data";
  const from = destinationNames(set).join(", ") || `from ${FILE}`;
  const origin = hasDestination(set) ? wrapped(from, " ".repeat(11)).trimStart() : (madeUp.ORIGIN_URL ?? "");
  return [
    "",
    `  ${paint("bold", "webhook")}  ${webhook}`,
    `  ${paint("bold", "admin")}    ${admin}${madeUp.ADMIN_TOKEN === undefined ? `  ${paint("dim", `the token is in ${FILE}`)}` : ""}`,
    `  ${paint("bold", "origin")}   ${origin}${madeUp.ORIGIN_URL === undefined ? "" : `  ${paint("dim", "a sample: it accepts every event")}`}`,
    `  ${paint("bold", "data")}     ${data ?? "a temporary folder, removed at the end"}`,
    "",
    ...(isSetup
      ? [wrapped("The edge has no key yet, as before Walnut creates one. Send an event with a made-up key, from another terminal, in this folder:")]
      : ["Send an event, from another terminal, in this folder:"]),
    "",
    ...sending(isSetup ? SETUP_KEY : madeUp.WALNUT_WEBHOOK_KEY, webhook),
    "",
    ...(isSetup ? [wrapped(`Then add WALNUT_WEBHOOK_KEY=${SETUP_KEY} to ${FILE}, and restart ${restart}. The edge then verifies the events that it has kept.`), ""] : []),
    paint("dim", "The decisions of the edge follow. Ctrl-C ends it."),
  ].join("\n");
}

/** The names of the destinations in the lists; none if a list is invalid, which the edge itself reports. */
function destinationNames(set: Readonly<Record<string, string>>): string[] {
  try {
    const all = DESTINATIONS.flatMap((variable) => JSON.parse(set[variable] ?? "[]") as { name: unknown }[]);
    // Another text may be a secret in the wrong place.
    return all.flatMap(({ name }) => (typeof name === "string" && /^[a-z\d-]{1,32}$/.test(name) ? [name] : []));
  } catch {
    return [];
  }
}

/** The command that sends an event, in two lines. It does not contain the user's own key, which stays in its file. */
function sending(key: string | undefined, webhook: string): string[] {
  if (key !== undefined) return [`  WALNUT_WEBHOOK_KEY=${key} \\`, `    npx ${NAME} send ${webhook}`];
  const main = relative(process.cwd(), fileURLToPath(new URL("../main.js", import.meta.url)));
  const quoted = /^[\w./-]+$/.test(main) ? main : `'${main.replaceAll("'", "'\\''")}'`;
  return [`  node --env-file=${FILE} ${quoted} \\`, `    send ${webhook}`];
}
