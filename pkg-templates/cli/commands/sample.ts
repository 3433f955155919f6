import { MOST_SEED, newSeed } from "../sender/random.js";
import { sample as makeSample, type SampleKind, SAMPLES, timeOfSeed } from "../sender/sample.js";
import type { Args } from "../args.js";
import type { Command } from "../command.js";
import { OK, usage } from "../failure.js";
import { isTerminal, out } from "../terminal.js";

export const sample: Command = {
  summary: "make up an event, with every documented field",
  usage: "[demo|playlist|test] [--seed N]",
  about:
    "Prints the body as Walnut would send it: compact JSON, without a newline at its end unless a terminal shows it. " +
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
    const at = args.time("at") ?? (seed === undefined ? undefined : timeOfSeed(seed));
    out(JSON.stringify(makeSample(kind, { seed, at })) + (isTerminal.out ? "\n" : ""));
    return OK;
  },
};

/** Reads what to make a sample of; a demo's session where that is not said. */
export function sampleKind(text: string | undefined): SampleKind {
  const kind = SAMPLES.find((kind) => kind === (text ?? "demo"));
  if (kind === undefined) throw usage(`there are samples of ${SAMPLES.join(", ")}, but not of "${text}"`);
  return kind;
}

function seedOf(args: Args): number | undefined {
  return args.text("seed") === undefined ? undefined : args.whole("seed", newSeed(), 0, MOST_SEED);
}
