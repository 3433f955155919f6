import type { Args, Options } from "./args.js";
import { paint, wrapped } from "./terminal.js";

/** One of the program's commands. */
export interface Command {
  /** A short description. */
  readonly summary: string;
  /** Its arguments. */
  readonly usage: string;
  /** More about it, in sentences. */
  readonly about?: string;
  /** The most positional arguments. */
  readonly positionals: number;
  readonly options: Options;
  /** Complete calls. */
  readonly examples: readonly string[];
  /** Runs the command and returns the exit status. A command that calls `interruption` handles Ctrl-C itself. */
  run(args: Args, interruption: () => AbortSignal): Promise<number>;
}

export const NAME = "walnut-webhooks";

/** The options of every command. */
export const COMMON: Options = {
  json: { help: "print JSON, for programs" },
  help: { help: "print this help" },
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
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  const isKeyed = Object.values(commands).some(({ options }) => Object.hasOwn(options, "key-file"));
  const key = "The key comes from --key-file FILE or from the environment variable WALNUT_WEBHOOK_KEY; otherwise the command asks for it. ";
  return [
    `${paint("bold", NAME)} ${version}: receive webhooks from Walnut safely`,
    "",
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    wrapped(`${isKeyed ? key : ""}Exit status: 0 if all is well, 1 if the check failed, 2 if the command could not run.`),
    "",
    `Help for a command, with an example: ${NAME} ${names[0]} --help`,
    "",
  ].join("\n");
}
