import type { Command } from "../command.js";
import { OK } from "../failure.js";
import { BODY_OPTIONS, readBody } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { json, line } from "../terminal.js";

export const sign: Command = {
  summary: "sign a body as Walnut does",
  usage: "FILE",
  about: "Prints X-Walnut-Signature, 64 hexadecimal digits, for the current key. FILE is read byte for byte; - is standard input.",
  positionals: 1,
  options: { ...KEY_OPTIONS, ...BODY_OPTIONS },
  examples: ["sign event.json", `sign --data '{"event":"demo_session_finished"}'`],
  async run(args) {
    const webhook = await findWebhook(args);
    const signature = webhook.sign(await readBody(args));
    if (args.flag("json")) json({ signature });
    else line(signature);
    return OK;
  },
};
