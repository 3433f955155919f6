import { MOST_SEED, newSeed } from "../sender/random.js";
import { sample as makeSample, type SampleKind, SAMPLES } from "../sender/sample.js";
import type { Args } from "../args.js";
import type { Command } from "../command.js";
import { OK, usage } from "../failure.js";
import { isTerminal, out, plain } from "../terminal.js";

export const sample: Command = {
  summary: "print a sample event, with every documented field",
  usage: "[demo|playlist|test] [--seed N]",
  about:
    "Prints the body as Walnut sends it: compact JSON. Only on a terminal, a newline follows. The event has the current " +
    "time, unless --seed or --at is given.",
  positionals: 1,
  options: {
    seed: { value: "N", help: `a number from 0 to ${MOST_SEED}: the same number gives the same event, byte for byte` },
    at: { value: "TIME", help: "the time of the event: RFC 3339, or how long ago, such as 2h" },
  },
  examples: ["sample demo --seed 7 > event.json"],
  async run(args) {
    const kind = sampleKind(args.positionals[0]);
    const seed = seedOf(args);
    const at = args.time("at");
    const event = seed === undefined ? makeSample(kind, { at }) : SAMPLES[kind]({}, { seed, at });
    out(JSON.stringify(event) + (isTerminal.out ? "\n" : ""));
    return OK;
  },
};

/** Parses the kind of sample; the default is a demo session. */
export function sampleKind(text = "demo"): SampleKind {
  if (Object.hasOwn(SAMPLES, text)) return text as SampleKind;
  const kinds = Object.keys(SAMPLES);
  throw usage(`the sample must be ${kinds.slice(0, -1).join(", ")} or ${kinds.at(-1)}, but is "${plain(text)}"`);
}

function seedOf(args: Args): number | undefined {
  return args.text("seed") === undefined ? undefined : args.whole("seed", newSeed(), 0, MOST_SEED);
}
