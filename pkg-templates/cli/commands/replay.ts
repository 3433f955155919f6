import { unanswered } from "../sender/judge.js";
import type { HttpRequest } from "../sender/request.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { Failure, reason, usage } from "../failure.js";
import { onward } from "../headers.js";
import { post } from "../post.js";
import { readSaved, savedIn } from "../saved.js";
import { RUN_OPTIONS, sendAll } from "../sending.js";

export const replay: Command = {
  summary: "send saved deliveries again, byte for byte",
  usage: "FOLDER URL",
  about:
    "FOLDER is what listen --save wrote. Each goes as it came, the oldest first, with its own signature and headers; no " +
    "key is needed. Answers are judged as with send.",
  positionals: 2,
  options: RUN_OPTIONS,
  examples: ["replay deliveries http://127.0.0.1:3000/webhook"],
  async run(args, interruption) {
    const [folder, target] = args.positionals;
    if (folder === undefined) throw usage("FOLDER is missing: where listen --save wrote deliveries to");
    const to = url(target);
    const files = await savedIn(folder);
    // A file that is none is told before anything is sent.
    for (const file of files) await readSaved(file);
    return sendAll(
      files.map((file) => ({ kind: "event" as const, file })),
      async ({ file }, signal) => {
        let request: HttpRequest;
        try {
          request = await readSaved(file);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          // One that has gone meanwhile: the others, and what came of them, matter no less.
          return unanswered(reason(error));
        }
        return post(to, { headers: onward(request.headers), body: request.body, signal });
      },
      args,
      interruption(),
      ({ file }) => ({ file }),
    );
  },
};
