import type { WebhookError } from "walnut-webhooks";
import type { Command } from "../command.js";
import { OK, CHECK_FAILED } from "../failure.js";
import { readReceived, REQUEST_OPTIONS } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { deliveryLines } from "../show.js";
import { json, line, paint, wrapped } from "../terminal.js";

export const verify: Command = {
  summary: "verify a body by its signature, and say what it is",
  usage: "--signature SIG FILE",
  about: "FILE is taken byte for byte; - is standard input. The exit status is 1 where it is refused.",
  positionals: 1,
  options: { ...KEY_OPTIONS, ...REQUEST_OPTIONS },
  examples: ["verify --signature 5bbfa84e… event.json", "verify --request request.http"],
  async run(args) {
    const webhook = await findWebhook(args);
    const { body, headers } = await readReceived(args);
    try {
      const delivery = webhook.verify(body, headers);
      if (args.flag("json")) json({ ok: true, delivery });
      else line([paint(["bold", "green"], "genuine"), ...deliveryLines(delivery)].join("\n"));
      return OK;
    } catch (error) {
      const { name, code, message } = error as WebhookError;
      if (name !== "WebhookError") throw error;
      if (args.flag("json")) json({ ok: false, error: { code, message } });
      else {
        line(`${paint(["bold", "red"], "refused")} ${code}`);
        line(wrapped(message));
        if (code === "signature_mismatch" || code === "malformed_signature") line(paint("dim", "explain, with the same arguments, looks for the mistake"));
      }
      return CHECK_FAILED;
    }
  },
};
