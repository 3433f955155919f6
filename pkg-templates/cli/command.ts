import type { Args, Options } from "./args.js";
import { paint, wrapped } from "./terminal.js";

/** One of the program's commands. */
export interface Command {
  /** What it does, in a few words. */
  readonly summary: string;
  /** What follows its name. */
  readonly usage: string;
  /** What there is to know besides, in sentences. */
  readonly about?: string;
  /** How many arguments without a name there may be. */
  readonly positionals: number;
  readonly options: Options;
  /** Calls that work as they stand. */
  readonly examples: readonly string[];
  /** Does it, and returns the exit status. With `interruption` it takes Ctrl-C into its own hands. */
  run(args: Args, interruption: () => AbortSignal): Promise<number>;
}

export const NAME = "walnut-webhooks";

/** What every command takes. */
export const COMMON: Options = {
  json: { help: "print JSON, for programs" },
  help: { help: "print this" },
};

/** The help of one command. */
export function help(name: string, { summary, usage, about, options, examples }: Command): string {
  const all = Object.entries({ ...options, ...COMMON });
  const names = all.map(([option, { value }]) => `--${option}${value === undefined ? "" : ` ${value}`}`);
  const width = Math.max(...names.map((name) => name.length));
  return [
    `${paint("bold", `${NAME} ${name}`)} ${usage}`,
    "",
    wrapped(`${summary[0]?.toUpperCase()}${summary.slice(1)}.${about === undefined ? "" : ` ${about}`}`),
    "",
    ...all.map(([, { help }], index) => {
      const label = `  ${(names[index] as string).padEnd(width)}  `;
      return label + wrapped(help, " ".repeat(label.length)).trimStart();
    }),
    "",
    examples.length > 1 ? "Examples:" : "Example:",
    ...examples.map((example) => `  ${NAME} ${example}`),
    "",
  ].join("\n");
}

/** The help of the program. */
export function overview(commands: Readonly<Record<string, Command>>, version: string): string {
  return [
    `${paint("bold", NAME)} ${version}: receive webhooks from Walnut safely`,
    "",
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(8)}  ${summary}`),
    "",
    wrapped(
      "The key is that of --key-file FILE, or WALNUT_WEBHOOK_KEY in the environment, or is asked for. Exit status: 0 " +
        "where all is well, 1 where something is refused or not as it should be, 2 where it could not be tried.",
    ),
    "",
    `Each command has its own help, with an example: ${NAME} explain --help`,
    "",
  ].join("\n");
}
