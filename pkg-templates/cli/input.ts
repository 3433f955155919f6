// The body, or the whole request, that a command is about.
import { SIGNATURE_HEADER } from "./sender/headers.js";
import { parseRequest } from "./sender/parse.js";
import { header } from "./sender/request.js";
import type { Args, Options } from "./args.js";
import { Failure, NOT_TRIED, usage } from "./failure.js";
import { read } from "./files.js";
import { plain, say } from "./terminal.js";

export const BODY_OPTIONS: Options = {
  data: { value: "TEXT", help: "the body itself, instead of a file" },
};

export const REQUEST_OPTIONS: Options = {
  signature: { value: "SIG", help: "what came in X-Walnut-Signature" },
  request: { value: "FILE", help: "a whole request instead: raw HTTP, as listen --save writes it, or a curl command" },
  ...BODY_OPTIONS,
};

/** Reads the body: of FILE, of standard input where that is `-`, or of `--data`. */
export async function readBody(args: Args): Promise<Uint8Array> {
  const [file] = args.positionals;
  const data = args.text("data");
  if (data !== undefined && file !== undefined) throw usage("FILE and --data can't both be given");
  if (data !== undefined) return Buffer.from(data);
  if (file === undefined) throw usage("the body is missing: give FILE, or - for standard input, or --data TEXT");
  return read(file);
}

/** What a check is about: a body, and the headers that it came with. */
export interface Received {
  readonly body: Uint8Array;
  readonly headers: Record<string, string | undefined>;
}

/** Reads a body with `--signature`, or all of `--request`. */
export async function readReceived(args: Args): Promise<Received> {
  const [signature, file] = [args.text("signature"), args.text("request")];
  if (file === undefined) {
    if (signature === undefined) throw usage("the signature is missing: give --signature SIG, or --request FILE");
    return { body: await readBody(args), headers: { [SIGNATURE_HEADER]: signature } };
  }
  if (signature !== undefined || args.text("data") !== undefined || args.positionals.length > 0) {
    throw usage("--request has the body and the signature in it: FILE, --data and --signature can't be given besides");
  }
  const request = parseRequest(await read(file));
  if (request === undefined) {
    throw new Failure("not_a_request", `${file} is neither raw HTTP nor a curl command`, NOT_TRIED);
  }
  for (const note of request.notes) say(plain(note));
  const names = new Set(request.headers.map(([name]) => name.toLowerCase()));
  return { body: request.body, headers: Object.fromEntries([...names].map((name) => [name, header(request, name)])) };
}
