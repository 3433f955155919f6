import type { HttpRequest } from "../sender/request.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { Failure, usage } from "../failure.js";
import { onward } from "../headers.js";
import { notSent, post } from "../post.js";
import { readSaved, savedIn } from "../saved.js";
import { RUN_OPTIONS, sendAll } from "../sending.js";

export const replay: Command = {
  summary: "send saved deliveries again, byte for byte",
  usage: "FOLDER URL",
  about:
    "Sends the deliveries that listen --save wrote to FOLDER, the oldest first, with their signatures and headers. It " +
    "needs no key. Responses are judged as by send.",
  positionals: 2,
  options: RUN_OPTIONS,
  examples: ["replay deliveries http://127.0.0.1:3000/webhook"],
  async run(args, interruption) {
    const [folder, target] = args.positionals;
    if (folder === undefined) throw usage("FOLDER is missing: give the folder that listen --save wrote to");
    const to = url(target);
    const files = await savedIn(folder);
    // A file that is not a delivery is reported before anything is sent.
    for (const file of files) await readSaved(file);
    return sendAll(
      files.map((file) => ({ kind: "event" as const, file })),
      async ({ file }, signal, timeout) => {
        let request: HttpRequest;
        try {
          request = await readSaved(file);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          // The file was removed in the meantime: the others are still sent.
          return notSent(error.message);
        }
        return post(to, { headers: onward(request.headers), body: request.body, signal, timeout });
      },
      to,
      args,
      interruption(),
      ({ file }) => ({ file }),
    );
  },
};
