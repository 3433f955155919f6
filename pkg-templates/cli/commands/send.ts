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

/** The limit on the requests of one run. */
const MOST = 10_000;

export const send: Command = {
  summary: "send signed sample events, as Walnut does",
  usage: "URL",
  about:
    "Sends sample events, or a file. Walnut accepts a response with status 200 or 201 within 30 s, and so does send: it " +
    "retries any other request. The endpoint should reject a forgery. The exit status is 0 if every response is as " +
    "expected, 1 if one is not, and 2 if the endpoint can't be reached.",
  positionals: 1,
  options: {
    ...KEY_OPTIONS,
    sample: { value: "KIND", help: "demo, playlist or test; the default is demo" },
    file: { value: "FILE", isFile: true, help: "send this file instead of samples, byte for byte; - is standard input" },
    ...BODY_OPTIONS,
    count: { value: "N", help: `how many different events to send, 1 to ${MOST}; the default is 1` },
    duplicates: { value: "[N]", implied: "1", help: "send N copies of these events in addition; without N, one" },
    forge: { value: "[N]", implied: "1", help: "send N requests with a made-up signature in addition; without N, one" },
    shuffle: { help: "send in random order" },
    seed: { value: "N", help: "a number: the same number gives the same events in the same order, with the current time" },
    ...RUN_OPTIONS,
  },
  examples: ["send http://127.0.0.1:3000/webhook", "send http://127.0.0.1:3000/webhook --count 100 --duplicates 10 --forge 10 --shuffle --rate 20"],
  async run(args, interruption) {
    const target = url(args.positionals[0]);
    const [file, data, kind] = [args.text("file"), args.text("data"), args.text("sample")];
    if ([file, data, kind].filter((given) => given !== undefined).length > 1) throw usage("--sample, --file and --data exclude each other: give only one of them");
    const seed = args.whole("seed", newSeed(), 0, MOST_SEED);
    const options = {
      count: args.whole("count", 1, 1, MOST),
      duplicates: args.whole("duplicates", 0, 0, MOST),
      forge: args.whole("forge", 0, 0, MOST),
      shuffled: args.flag("shuffle"),
      seed,
    };
    if (options.count + options.duplicates + options.forge > MOST) throw usage(`--count, --duplicates and --forge must be at most ${MOST} in total`);
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
