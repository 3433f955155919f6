import { explain as explainRequest } from "walnut-webhooks/explain";
import type { Command } from "../command.js";
import { OK, CHECK_FAILED } from "../failure.js";
import { readReceived, REQUEST_OPTIONS } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { explanationLines } from "../show.js";
import { json, line, paint } from "../terminal.js";

export const explain: Command = {
  summary: "explain why a signature is rejected, and how to fix it",
  usage: "--signature SIG FILE | --request FILE [FILE]",
  about:
    "Undoes common mistakes until the signature matches. FILE is read byte for byte; - is standard input. The exit status " +
    "is 0 if the signature is valid, 1 if it is rejected, and 2 if nothing was checked.",
  positionals: 1,
  options: { ...KEY_OPTIONS, ...REQUEST_OPTIONS },
  examples: ["explain --signature 5bbfa84e… event.json", "explain --request curl.txt"],
  async run(args) {
    const webhook = await findWebhook(args);
    const { body, headers } = await readReceived(args);
    const explanation = explainRequest(webhook, body, headers);
    if (args.flag("json")) json(explanation);
    else if (explanation.ok) line(`${paint(["bold", "green"], "genuine")}   ${explanation.problem} ${explanation.fix}`);
    else line(explanationLines(explanation).join("\n"));
    return explanation.ok ? OK : CHECK_FAILED;
  },
};
