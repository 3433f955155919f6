// Gets the key for a command.
import { Webhook, type WebhookError } from "walnut-webhooks";
import type { Args, Options } from "./args.js";
import { Failure, INTERRUPTED, NOT_RUN, usage } from "./failure.js";
import { readKeyFile } from "./keyfile.js";
import { warn } from "./terminal.js";

export const KEY_OPTIONS: Options = {
  "key-file": { value: "FILE", isFile: true, multiple: true, help: "a file with the key, whose final newline is ignored; give it again for a previous key" },
  key: { value: "KEY", multiple: true, help: "the key itself; not recommended, since the shell history and the process list show it" },
};

/** Gets the keys from the options or the environment, or asks for one. */
export async function findWebhook(args: Args): Promise<Webhook> {
  const keys = await configuredKeys(args);
  return webhook(keys.length > 0 ? keys : [await ask()]);
}

/** Gets the keys from the options or the environment; `undefined` if there are none. */
export async function configuredWebhook(args: Args): Promise<Webhook | undefined> {
  const keys = await configuredKeys(args);
  return keys.length > 0 ? webhook(keys) : undefined;
}

function webhook(keys: (string | Uint8Array)[]): Webhook {
  try {
    return new Webhook(keys);
  } catch (error) {
    const { code, message } = error as WebhookError;
    throw new Failure(code, message, NOT_RUN);
  }
}

async function configuredKeys(args: Args): Promise<(string | Uint8Array)[]> {
  const [files, plain] = [args.texts("key-file"), args.texts("key")];
  if (files.length > 0 && plain.length > 0) throw usage("--key-file and --key can't both be given: remove one of them");
  if (plain.length > 0) {
    warn("the process list and the shell history show a key on the command line: use --key-file instead");
    return [...plain];
  }
  if (files.length > 0) return Promise.all(files.map(readKeyFile));
  const { WALNUT_WEBHOOK_KEY: key, WALNUT_WEBHOOK_KEY_PREVIOUS: previous } = process.env;
  return [key, previous].filter((key) => key !== undefined && key !== "") as string[];
}

/** Asks for the key at the terminal, without showing it. */
function ask(): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY || !stderr.isTTY) {
    throw new Failure("no_key", "the key is missing: set WALNUT_WEBHOOK_KEY, or give --key-file FILE", NOT_RUN);
  }
  return new Promise((resolve, reject) => {
    // Before the prompt, since the terminal shows the typed characters until then.
    stdin.setRawMode(true).setEncoding("utf8").resume();
    stderr.write("Key (from Walnut's settings; it is not shown as you type): ");
    let key = "";
    const end = (then: () => void) => {
      stdin.setRawMode(false).pause().off("data", read);
      stderr.write("\n");
      then();
    };
    const read = (text: string) => {
      for (const character of text) {
        if (character === "\r" || character === "\n" || character === "\x04") {
          if (key !== "") return end(() => resolve(key));
          return end(() => reject(new Failure("no_key", "no key was entered", NOT_RUN)));
        }
        if (character === "\x03") return end(() => reject(new Failure("interrupted", "interrupted", INTERRUPTED)));
        if (character === "\x15") key = "";
        else if (character === "\x7f" || character === "\b") key = [...key].slice(0, -1).join("");
        else key += character;
      }
    };
    stdin.on("data", read);
  });
}
