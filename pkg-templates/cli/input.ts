// Reads the body or the whole request that a command checks or signs.
import { SIGNATURE_HEADER } from "./sender/headers.js";
import { parseRequest } from "./sender/parse.js";
import { bodyFromFile, header, type ParsedRequest } from "./sender/request.js";
import type { Args, Options } from "./args.js";
import { Failure, NOT_RUN, usage } from "./failure.js";
import { isStandardInput, read, readRegular } from "./files.js";
import { plain, say } from "./terminal.js";

export const BODY_OPTIONS: Options = {
  data: { value: "TEXT", help: "the body itself, instead of a file" },
};

export const REQUEST_OPTIONS: Options = {
  signature: { value: "SIG", help: "the value of X-Walnut-Signature" },
  request: { value: "FILE", isFile: true, help: "a whole request: raw HTTP, a curl command, the output of curl -v, or a HAR file; if it does not contain the body, add FILE; if a curl command names the file of its body (-d @FILE), that file is read" },
  ...BODY_OPTIONS,
};

/** Reads the body from FILE or from `--data`. */
export async function readBody(args: Args): Promise<Uint8Array> {
  const [file] = args.positionals;
  const data = args.text("data");
  if (data !== undefined && file !== undefined) throw usage("FILE and --data can't both be given: remove one of them");
  if (data !== undefined) return Buffer.from(data);
  if (file === undefined) throw usage("the body is missing: give FILE, or - for standard input, or --data TEXT");
  return read(file);
}

/** A body to check, and the headers of its request. */
export interface Received {
  readonly body: Uint8Array;
  readonly headers: Record<string, string | undefined>;
}

/** Reads a body and `--signature`, or a whole request from `--request`. */
export async function readReceived(args: Args): Promise<Received> {
  const [signature, file] = [args.text("signature"), args.text("request")];
  if (file === undefined) {
    if (signature === undefined) throw usage("the signature is missing: give --signature SIG, or --request FILE");
    return { body: await readBody(args), headers: { [SIGNATURE_HEADER]: signature } };
  }
  const request = parseRequest(await read(file));
  if (request === undefined) {
    throw new Failure("not_a_request", `${plain(file)} is not a request: it must be raw HTTP, a curl command, the output of curl -v, or a HAR file`, NOT_RUN);
  }
  if (request.isAmbiguous) throw new Failure("several_requests", `Not checked. ${request.bodyMissing}`, NOT_RUN);
  if (signature !== undefined && request.signatureMissing === undefined) throw usage("--request contains the signature: remove --signature");
  for (const note of request.notes) say(plain(note));
  const names = new Set(request.headers.map(([name]) => name.toLowerCase()));
  const headers = Object.fromEntries([...names].map((name) => [name, header(request, name)]));
  const body = await requestBody(request, args);
  if (request.signatureMissing === undefined) return { body, headers };
  if (signature === undefined) throw notChecked("signature_missing", plain(request.signatureMissing), "signature: give --signature SIG");
  return { body, headers: { ...headers, [SIGNATURE_HEADER]: signature } };
}

/** Returns the body of the request. If the request does not contain it, FILE, `--data` or the file that curl reads does. */
async function requestBody({ body, bodyMissing, bodyFile }: ParsedRequest, args: Args): Promise<Uint8Array> {
  const isGiven = args.text("data") !== undefined || args.positionals.length > 0;
  if (bodyMissing === undefined) {
    if (isGiven) throw usage("--request contains the body: remove FILE and --data");
    return body;
  }
  if (isGiven) return readBody(args);
  if (bodyFile === undefined) throw bodyNotRead(plain(bodyMissing));
  if (isStandardInput(bodyFile.path)) throw bodyNotRead("curl reads the body from its standard input.");
  let bytes: Uint8Array;
  try {
    bytes = await readRegular(bodyFile.path);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw bodyNotRead(`The curl command reads its body from a file: ${plain(error.message)}.`);
  }
  say(`The body is read from ${plain(bodyFile.path)}, as the curl command says.`);
  return bodyFromFile(bodyFile, bytes);
}

function bodyNotRead(problem: string): Failure {
  return notChecked("body_missing", problem, "body: give FILE or --data TEXT");
}

function notChecked(code: string, problem: string, missing: string): Failure {
  return new Failure(code, `Not checked. ${problem} Add the ${missing} in addition to --request.`, NOT_RUN);
}
