import type { WebhookError } from "walnut-webhooks";
import type { Command } from "../command.js";
import { OK, CHECK_FAILED } from "../failure.js";
import { readReceived, REQUEST_OPTIONS } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { deliveryLines } from "../show.js";
import { json, line, paint, wrapped } from "../terminal.js";

export const verify: Command = {
  summary: "verify the signature of a body, and show its event",
  usage: "--signature SIG FILE | --request FILE [FILE]",
  about:
    "FILE is read byte for byte; - is standard input. The exit status is 0 if the signature is valid, 1 if it is rejected, " +
    "and 2 if nothing was checked, for example because a --request does not contain the body.",
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
        line(`${paint(["bold", "red"], "rejected")} ${code}`);
        line(wrapped(message));
        if (code === "signature_mismatch" || code === "malformed_signature") line(paint("dim", "To find the mistake, run explain with the same arguments."));
      }
      return CHECK_FAILED;
    }
  },
};
