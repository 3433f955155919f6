import { MOST_SEED, newSeed } from "../sender/random.js";
import { sample as makeSample, type SampleKind, SAMPLES } from "../sender/sample.js";
import type { Args } from "../args.js";
import type { Command } from "../command.js";
import { OK, usage } from "../failure.js";
import { isTerminal, out } from "../terminal.js";

export const sample: Command = {
  summary: "make up an event, with every documented field",
  usage: "[demo|playlist|test] [--seed N]",
  about:
    "Prints the body as Walnut sends it: compact JSON, with a newline at its end only in a terminal. " +
    "The event is signed now, unless a seed is given: the same seed is the same body, byte for byte.",
  positionals: 1,
  options: {
    seed: { value: "N", help: `the same event for the same number, 0 to ${MOST_SEED}` },
    at: { value: "TIME", help: "when it is signed: RFC 3339, or so long ago, such as 2h" },
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

/** Reads the kind of sample; the default is a demo session. */
export function sampleKind(text = "demo"): SampleKind {
  if (Object.hasOwn(SAMPLES, text)) return text as SampleKind;
  throw usage(`there are samples of ${Object.keys(SAMPLES).join(", ")}, but not of "${text}"`);
}

function seedOf(args: Args): number | undefined {
  return args.text("seed") === undefined ? undefined : args.whole("seed", newSeed(), 0, MOST_SEED);
}
