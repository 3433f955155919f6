import { readSaved, onward, savedIn } from "../saved.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { usage } from "../failure.js";
import { post } from "../post.js";
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
        const { headers, body } = await readSaved(file);
        return post(to, { headers: onward(headers), body, signal });
      },
      args,
      interruption(),
      ({ file }) => ({ file }),
    );
  },
};
