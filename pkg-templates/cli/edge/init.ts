// Writes the folder of an edge: its configuration for Cloudflare, its variables, and the versions to install.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { url as readUrl } from "../args.js";
import type { Command } from "../command.js";
import { Failure, INTERRUPTED, NOT_RUN, OK, reason, usage } from "../failure.js";
import { quoted } from "../sender/shell.js";
import { json, line, plain, say } from "../terminal.js";
import { COMPATIBILITY_DATE } from "./configuration.js";
import { manifest, type Manifest } from "./project.js";

/** Cloudflare's limit for a Worker's name, which is a part of its host name. */
const MOST_NAME_CHARACTERS = 63;

/** As MAX_URL_BYTES in worker/src/config/url.rs. */
const MOST_URL_BYTES = 2048;

/** The files, each with its template. npm does not publish a file with the name `.gitignore`. */
const TEMPLATES = {
  "wrangler.jsonc": "wrangler.jsonc",
  ".dev.vars.example": "dev.vars.example",
  ".gitignore": "gitignore",
  "README.md": "README.md",
};

/** The file of the variables on this machine, which git ignores. */
const LOCAL = ".dev.vars";

const PUBLIC_ORIGIN = "// The URL that receives each event. If it contains a token, remove it here and set it as a secret.";
const SECRET_ORIGIN = "// ORIGIN_URL, the URL that receives each event, is a secret: run `npx wrangler secret put ORIGIN_URL`.";

export const edgeInit: Command = {
  summary: "write the folder of a new edge",
  usage: "DIR [--origin URL]",
  about:
    "Writes wrangler.jsonc, package.json with the versions of wrangler and workerd for this Node, .dev.vars.example with every " +
    "variable, .gitignore, and README.md with the next steps. DIR must be empty or new, and its name is the name of the Worker. If the URL has a query, which may be a token, it is written to .dev.vars alone, which git ignores. Without --origin, the command asks for the URL.",
  positionals: 1,
  options: {
    origin: { value: "URL", help: "the URL that receives each event: https, or http on this machine" },
  },
  examples: ["edge init my-edge --origin https://example.com/webhook"],
  async run(args) {
    const [directory] = args.positionals;
    if (directory === undefined || directory === "") throw usage("DIR is missing: give a new folder, such as my-edge, or . for the current folder");
    const folder = resolve(directory);
    const name = workerName(folder);
    checkEmpty(folder, directory);
    const origin = args.text("origin") === undefined ? await ask() : originUrl(args.text("origin"));
    const versions = manifest(process.versions.node);
    const files = contents(name, origin, versions);
    write(folder, files);
    if (args.flag("json")) json({ folder, files: Object.keys(files), dependencies: versions.dependencies });
    else nextSteps(directory, Object.keys(files), origin);
    return OK;
  },
};

/** @throws Failure `not_empty` or `unreadable`. */
function checkEmpty(folder: string, name: string): void {
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw new Failure("unreadable", `${plain(name)} can't be read as a folder: ${reason(error)}`, NOT_RUN);
  }
  // `git init` may have run before.
  if (files.some((file) => file !== ".git")) throw new Failure("not_empty", `the folder ${plain(name)} is not empty: give a new or an empty folder`, NOT_RUN);
}

/** Reads the URL of the origin, as the edge does. The messages do not repeat it, since it may contain a token. */
function originUrl(text: string | undefined): URL {
  const url = readUrl(text, "the URL of the origin");
  if (url.href.includes("#")) throw usage("the URL of the origin has a fragment: remove the # and the text after it");
  if (url.href.length > MOST_URL_BYTES) throw usage(`the URL of the origin is longer than ${MOST_URL_BYTES} bytes: give a shorter URL`);
  if (url.protocol !== "https:" && !isLoopback(url)) throw usage("the URL of the origin must be https, because events contain personal data. Only a program on this machine may have http, such as http://127.0.0.1:3000/webhook");
  return url;
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && (/^127(\.\d+){3}$/.test(hostname) || hostname === "localhost" || hostname === "[::1]");
}

/** Asks for the URL of the origin until the answer is valid. */
async function ask(): Promise<URL> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) throw new Failure("no_origin", "the URL of the origin is missing: give --origin URL, such as --origin https://example.com/webhook", NOT_RUN);
  const lines = createInterface({ input: stdin, output: stderr, prompt: "URL that receives the events (such as https://example.com/webhook): " });
  let isInterrupted = false;
  lines.on("SIGINT", () => {
    isInterrupted = true;
    lines.close();
  });
  lines.prompt();
  for await (const text of lines) {
    try {
      const url = originUrl(text.trim());
      lines.close();
      return url;
    } catch (error) {
      say((error as Failure).message);
      lines.prompt();
    }
  }
  stderr.write("\n");
  throw isInterrupted ? new Failure("interrupted", "interrupted", INTERRUPTED) : new Failure("no_origin", "no URL was entered", NOT_RUN);
}

/** Returns the texts of the files, by name. */
function contents(name: string, origin: URL, versions: Manifest): Record<string, string> {
  const { href, host, protocol } = origin;
  const isSecret = hasQuery(origin);
  const withoutQuery = href.replace(/\?.*/s, "");
  const values: Record<string, string> = {
    NAME: name,
    COMPATIBILITY_DATE,
    ORIGIN_HOST: host,
    ORIGIN_URL: isSecret ? `${withoutQuery}\n# The line above has the URL without its query, which may be a token. ${LOCAL} has the whole URL.` : href,
    ORIGIN_VARIABLE: isSecret ? SECRET_ORIGIN : `${PUBLIC_ORIGIN}\n    "ORIGIN_URL": ${JSON.stringify(href)}`,
  };
  const texts = Object.entries(TEMPLATES).map(([file, template]) => {
    const text = readFileSync(new URL(`./template/${template}`, import.meta.url), "utf8").replace(/{{(\w+)}}/g, (_, key: string) => values[key] as string);
    return [file, protocol === "http:" && template === "dev.vars.example" ? text.replace("# ALLOW_LOOPBACK=1", "ALLOW_LOOPBACK=1") : text];
  });
  const local = isSecret ? { [LOCAL]: `ORIGIN_URL=${href}\n` } : {};
  return { ...Object.fromEntries(texts), "package.json": `${JSON.stringify(versions, undefined, 2)}\n`, ...local };
}

/** Whether the URL has a query. It may be a token, so a file that git tracks must not contain it. */
function hasQuery({ search }: URL): boolean {
  return search !== "";
}

/** Makes the name of the Worker from the name of the folder, because the edges of an account must have different names. */
function workerName(folder: string): string {
  const name = basename(folder).toLowerCase().replace(/[^a-z\d]+/g, "-").replace(/^-/, "").slice(0, MOST_NAME_CHARACTERS).replace(/-$/, "");
  if (name === "") throw usage(`the folder ${plain(basename(folder))} has no letter a-z and no digit in its name, which is also the name of the Worker: give a folder such as my-edge`);
  return name;
}

/** Writes all of the files or none, so that the folder is still empty at the next try. */
function write(folder: string, files: Readonly<Record<string, string>>): void {
  const written: string[] = [];
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, name);
      writeFileSync(path, "", { flag: "wx", mode: name === LOCAL ? 0o600 : 0o666 });
      written.push(path);
      writeFileSync(path, text);
    }
  } catch (error) {
    for (const path of written) rmSync(path);
    throw new Failure("unwritable", `${plain(folder)} can't be written: ${reason(error)}`, NOT_RUN);
  }
}

function nextSteps(directory: string, files: readonly string[], origin: URL): void {
  const isElsewhere = resolve(directory) !== process.cwd();
  line(`Wrote ${files.join(", ")}${isElsewhere ? ` to ${plain(directory)}` : ""}.`);
  if (hasQuery(origin)) line(`The query of the URL may be a token, so only ${LOCAL} has it, which git ignores. \`edge dev\` delivers to this URL. Before \`edge deploy\`, run npx wrangler secret put ORIGIN_URL.`);
  else if (origin.protocol === "http:") line("Cloudflare can't reach a program on this machine: before `edge deploy`, change ORIGIN_URL in wrangler.jsonc.");
  line();
  line("Next:");
  if (isElsewhere) line(`  cd ${quoted(directory.replace(/^-/, "./-"))}`);
  line("  npm install");
  line("  npx walnut-webhooks edge dev");
  line();
  line("README.md has the steps for Cloudflare and for one machine.");
}
