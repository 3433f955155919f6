import { once } from "node:events";
import type { Command } from "../command.js";
import { OK } from "../failure.js";
import { startHarness } from "../page.js";
import { json, line, paint } from "../terminal.js";

export const harness: Command = {
  summary: "serve the page that checks, composes and sends, on this machine only",
  usage: "[--port N]",
  about:
    "The page is on 127.0.0.1. It can also send where a browser alone may not, through this command: only with the link " +
    "that is shown, which has a new token each time. Ctrl-C ends it.",
  positionals: 0,
  options: { port: { value: "N", help: "where to listen, 0 for any that is free; 8788 by default" } },
  examples: ["harness"],
  async run(args, interruption) {
    const port = args.whole("port", 8788, 0, 65_535);
    const started = await startHarness(port);
    const signal = interruption();
    if (args.flag("json")) json({ url: started.url });
    else line(`${paint("bold", "The harness")} is at ${started.url}\n${paint("dim", "Ctrl-C ends it.")}`);
    if (!signal.aborted) await once(signal, "abort");
    await started.stop();
    return OK;
  },
};
