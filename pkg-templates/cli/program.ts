// The program: its commands, and how each is called.
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { parse } from "./args.js";
import { COMMON, type Command, help, NAME, overview } from "./command.js";
import { doctor } from "./commands/doctor.js";
import { explain } from "./commands/explain.js";
import { harness } from "./commands/harness.js";
import { listen } from "./commands/listen.js";
import { replay } from "./commands/replay.js";
import { sample } from "./commands/sample.js";
import { send } from "./commands/send.js";
import { sign } from "./commands/sign.js";
import { verify } from "./commands/verify.js";
import { edgeDeploy } from "./edge/deploy.js";
import { edgeDev } from "./edge/dev.js";
import { edgeInit } from "./edge/init.js";
import { edgeStart } from "./edge/start.js";
import { Failure, INTERRUPTED, OK, PIPE_CLOSED, reason, NOT_RUN, usage } from "./failure.js";
import { didYouMean } from "./nearest.js";
import { asJson, out, plain, say } from "./terminal.js";

const commands: Readonly<Record<string, Command>> = {
  sign, verify, explain, sample, send, listen, replay, doctor, harness,
  "edge init": edgeInit,
  "edge dev": edgeDev,
  "edge start": edgeStart,
  "edge deploy": edgeDeploy,
};

/** The first words of commands of two words. */
const GROUPS = ["edge"];

/** Splits arguments into the name of the command, which may have two words, and the rest. */
function split([name, ...rest]: readonly string[]): [string | undefined, string[]] {
  const second = rest[0];
  const isGroup = name !== undefined && GROUPS.includes(name) && second !== undefined && !second.startsWith("-");
  return isGroup ? [`${name} ${second}`, rest.slice(1)] : [name, rest];
}

async function main(all: readonly string[]): Promise<number> {
  const [name, args] = split(all);
  if (name === "help" && args[0] !== undefined) return main([...args, "--help"]);
  if (name !== undefined && GROUPS.includes(name)) {
    const group = Object.entries(commands).filter(([command]) => command.startsWith(`${name} `));
    out(overview(Object.fromEntries(group), version()));
    return has(args, "--help") || has(args, "-h") ? OK : NOT_RUN;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    out(overview(commands, version()));
    return name === undefined ? NOT_RUN : OK;
  }
  if (name === "--version" || name === "-v") {
    out(`${version()}\n`);
    return OK;
  }
  const command = find(name);
  if (has(args, "--help") || has(args, "-h")) {
    out(help(name, command));
    return OK;
  }
  return command.run(parse(args, { ...command.options, ...COMMON }, command.positionals, commandsWith), interruption);
}

/** The names of the commands that have an option. */
function commandsWith(option: string): string[] {
  return Object.keys(commands).filter((name) => Object.hasOwn((commands[name] as Command).options, option));
}

function find(name: string): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw usage(`there is no command "${plain(name)}".${didYouMean(name, Object.keys(commands))}`);
  return command;
}

/** Whether an option is given, before `--`. */
function has(args: readonly string[], option: string): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).includes(option);
}

function version(): string {
  return JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")).version;
}

/** From now on, the first Ctrl-C aborts the signal, so that the command can clean up. The second ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  // Each request in flight adds a listener.
  setMaxListeners(0, controller.signal);
  let first = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Programs such as timeout send a signal to the process and to its group, which arrives twice.
      if (controller.signal.aborted && Date.now() - first > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
      if (!controller.signal.aborted) first = Date.now();
      controller.abort();
    });
  }
  // npx starts a shell, and passes a signal to the shell only: this process would lose its parent and run on.
  if (process.env.npm_command !== undefined) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && controller.abort(), ORPHAN_CHECK_MS).unref();
  }
  return controller.signal;
}

/** Within this time, in milliseconds, a second signal is a copy of the first. */
const SAME_SIGNAL_MS = 500;

/** How often to check whether npx has ended, in milliseconds. */
const ORPHAN_CHECK_MS = 500;

function fail(error: unknown, args: readonly string[], isJson: boolean): number {
  // An unexpected error is shown without its stack, which does not help the user of a command.
  const { code, message, status } = error instanceof Failure ? error : new Failure("internal", plain(`${error}`), NOT_RUN);
  if (isJson) process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
  else if (code !== "interrupted") say(`${NAME}: ${message}`);
  if (code === "usage" && !isJson) {
    const [name] = split(args);
    const known = name !== undefined && Object.hasOwn(commands, name);
    say(`Try: ${NAME} ${known ? `${name} ` : ""}--help`);
  }
  return status;
}

/** Runs the command that the arguments name, and returns the exit status. */
export async function run(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // The reader, such as head, has read enough.
      if (error.code === "EPIPE") process.exit(PIPE_CLOSED);
      if (stream === process.stdout) say(`${NAME}: the output can't be written: ${reason(error)}`);
      process.exit(NOT_RUN);
    });
  }
  const isJson = has(args, "--json");
  if (isJson) asJson();
  try {
    return await main(args);
  } catch (error) {
    return fail(error, args, isJson);
  }
}
