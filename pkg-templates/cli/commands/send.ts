import { deliveryHeaders } from "../sender/headers.js";
import { plan } from "../sender/plan.js";
import { MOST_SEED, newSeed } from "../sender/random.js";
import { sample } from "../sender/sample.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { usage } from "../failure.js";
import { read } from "../files.js";
import { BODY_OPTIONS } from "../input.js";
import { findWebhook, KEY_OPTIONS } from "../key.js";
import { post } from "../post.js";
import { RUN_OPTIONS, sendAll } from "../sending.js";
import { sampleKind } from "./sample.js";

/** The most requests of one run. */
const MOST = 10_000;

export const send: Command = {
  summary: "sign test events and send them, as Walnut would",
  usage: "URL",
  about:
    "Sends samples, or a file. Answers are judged by Walnut's rules: 200 or 201, within 30 s; what is not accepted is " +
    "sent again. A forgery should be refused. The exit status is 1 where anything is not as it should be.",
  positionals: 1,
  options: {
    ...KEY_OPTIONS,
    sample: { value: "KIND", help: "demo, playlist or test; demo by default" },
    file: { value: "FILE", isFile: true, help: "a body instead of samples, byte for byte; - is standard input" },
    ...BODY_OPTIONS,
    count: { value: "N", help: `how many different events, 1 to ${MOST}; 1 by default` },
    duplicates: { value: "[N]", implied: "1", help: "how many requests more are copies of those; one by itself" },
    forge: { value: "[N]", implied: "1", help: "how many requests more have a made-up signature; one by itself" },
    shuffle: { help: "in random order" },
    seed: { value: "N", help: "the same events, in the same order, for the same number; they are signed now" },
    ...RUN_OPTIONS,
  },
  examples: ["send http://127.0.0.1:3000/webhook", "send http://127.0.0.1:3000/webhook --count 100 --duplicates 10 --forge 10 --shuffle --rate 20"],
  async run(args, interruption) {
    const target = url(args.positionals[0]);
    const [file, data, kind] = [args.text("file"), args.text("data"), args.text("sample")];
    if ([file, data, kind].filter((given) => given !== undefined).length > 1) throw usage("only one of --sample, --file and --data can be given");
    const seed = args.whole("seed", newSeed(), 0, MOST_SEED);
    const options = {
      count: args.whole("count", 1, 1, MOST),
      duplicates: args.whole("duplicates", 0, 0, MOST),
      forge: args.whole("forge", 0, 0, MOST),
      shuffled: args.flag("shuffle"),
      seed,
    };
    if (options.count + options.duplicates + options.forge > MOST) throw usage(`--count, --duplicates and --forge can be ${MOST} together, at most`);
    const sampled = sampleKind(kind);
    const webhook = await findWebhook(args);
    const body = file !== undefined ? await read(file) : data !== undefined ? Buffer.from(data) : undefined;
    const items = plan(
      options,
      (index) => body ?? Buffer.from(JSON.stringify(sample(sampled, { seed: (seed + index) % (MOST_SEED + 1) }))),
      (body) => webhook.sign(body),
    );
    return sendAll(
      items,
      ({ body, signature }, signal, timeout) => post(target, { headers: deliveryHeaders(signature), body, signal, timeout }),
      target,
      args,
      interruption(),
      ({ kind, signature }) => ({ kind, signature }),
    );
  },
};
