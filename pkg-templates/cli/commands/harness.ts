import { once } from "node:events";
import type { Command } from "../command.js";
import { OK } from "../failure.js";
import { startHarness } from "../page.js";
import { json, line, paint } from "../terminal.js";

export const harness: Command = {
  summary: "serve the browser page that checks, composes and sends webhooks",
  usage: "[--port N]",
  about:
    "Serves the page on 127.0.0.1 only. Through this command, the page can also send to URLs that do not allow browsers " +
    "(CORS). That needs the link that the command prints, with a new token each time. Ctrl-C ends it.",
  positionals: 0,
  options: { port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8788" } },
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
