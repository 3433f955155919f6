// Where the commands get the key from.
import { Webhook, type WebhookError } from "walnut-webhooks";
import type { Args, Options } from "./args.js";
import { Failure, INTERRUPTED, NOT_TRIED, usage } from "./failure.js";
import { read } from "./files.js";
import { warn } from "./terminal.js";

export const KEY_OPTIONS: Options = {
  "key-file": { value: "FILE", multiple: true, help: "the key, in a file; again for a previous key. One newline at its end is not part of it" },
  key: { value: "KEY", multiple: true, help: "the key itself: better not, since the shell's history and the list of processes show it" },
};

/** Finds the keys: in the options, or in the environment, or by asking. */
export async function findWebhook(args: Args): Promise<Webhook> {
  const keys = await configuredKeys(args);
  return webhook(keys.length > 0 ? keys : [await ask()]);
}

/** Finds the keys in the options or the environment; asks nobody. */
export async function configuredWebhook(args: Args): Promise<Webhook | undefined> {
  const keys = await configuredKeys(args);
  return keys.length > 0 ? webhook(keys) : undefined;
}

function webhook(keys: (string | Uint8Array)[]): Webhook {
  try {
    return new Webhook(keys);
  } catch (error) {
    const { code, message } = error as WebhookError;
    throw new Failure(code, message, NOT_TRIED);
  }
}

async function configuredKeys(args: Args): Promise<(string | Uint8Array)[]> {
  const [files, plain] = [args.texts("key-file"), args.texts("key")];
  if (files.length > 0 && plain.length > 0) throw usage("--key-file and --key can't both be given");
  if (plain.length > 0) {
    warn("a key on the command line is seen by all who can list processes or read the shell's history: prefer --key-file");
    return [...plain];
  }
  if (files.length > 0) return Promise.all(files.map(keyFile));
  const { WALNUT_WEBHOOK_KEY: key, WALNUT_WEBHOOK_KEY_PREVIOUS: previous } = process.env;
  return [key, previous].filter((key) => key !== undefined && key !== "") as string[];
}

/** The most that a key file may have, in bytes: what is longer is likely another file. */
const MOST_KEY_BYTES = 64 << 10;

/** Reads a key's bytes, without the newline that editors put at the end of a file. */
async function keyFile(path: string): Promise<Uint8Array> {
  let bytes = await read(path, MOST_KEY_BYTES);
  if (bytes.at(-1) === 10) bytes = bytes.subarray(0, bytes.at(-2) === 13 ? -2 : -1);
  if (bytes.length === 0) throw new Failure("invalid_key", `the key file ${path} is empty`, NOT_TRIED);
  return bytes;
}

/** Asks for the key at the terminal, where nothing of it is shown. */
function ask(): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new Failure("no_key", "there is no key: set WALNUT_WEBHOOK_KEY, or give --key-file FILE", NOT_TRIED);
  }
  return new Promise((resolve, reject) => {
    // First, since the terminal shows what is typed till then.
    stdin.setRawMode(true).setEncoding("utf8").resume();
    stderr.write("Key (as Walnut's settings show it; nothing is shown here): ");
    let key = "";
    const end = (then: () => void) => {
      stdin.setRawMode(false).pause().off("data", take);
      stderr.write("\n");
      then();
    };
    const take = (text: string) => {
      for (const character of text) {
        if (character === "\r" || character === "\n" || character === "\x04") {
          if (key !== "") return end(() => resolve(key));
          return end(() => reject(new Failure("no_key", "no key was typed", NOT_TRIED)));
        }
        if (character === "\x03") return end(() => reject(new Failure("interrupted", "interrupted", INTERRUPTED)));
        if (character === "\x15") key = "";
        else if (character === "\x7f" || character === "\b") key = [...key].slice(0, -1).join("");
        else key += character;
      }
    };
    stdin.on("data", take);
  });
}
