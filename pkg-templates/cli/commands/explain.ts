import { explain as explainRequest } from "walnut-webhooks/explain";
import type { Command } from "../command.js";
import { OK, CHECK_FAILED } from "../failure.js";
import { readReceived, REQUEST_OPTIONS } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { explanationLines } from "../show.js";
import { json, line, paint } from "../terminal.js";

export const explain: Command = {
  summary: "say why a signature fails, and what to do",
  usage: "--signature SIG FILE",
  about:
    "Undoes common mistakes until the signature is right. FILE is taken byte for byte; - is standard input. The exit " +
    "status is 1 if the request is rejected.",
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
