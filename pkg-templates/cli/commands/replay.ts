import type { HttpRequest } from "../sender/request.js";
import { url } from "../args.js";
import type { Command } from "../command.js";
import { isExport, readExport } from "../exported.js";
import { CHECK_FAILED, Failure, INTERRUPTED, NOT_RUN, usage } from "../failure.js";
import { headersToForward } from "../headers.js";
import { notSent, post } from "../post.js";
import { readSaved, savedIn } from "../saved.js";
import { RUN_OPTIONS, type Sendable, sendAll } from "../sending.js";

/** A delivery that was saved or exported. */
interface Saved extends Sendable {
  /** Its file or its ID, for programs. */
  readonly source: { readonly file: string } | { readonly id: string };
  readonly request: () => HttpRequest | Promise<HttpRequest>;
}

export const replay: Command = {
  summary: "send saved deliveries again, byte for byte",
  usage: "FOLDER|FILE URL",
  about:
    "Sends the deliveries that listen --save wrote to FOLDER, the oldest first, with their signatures and headers. FILE " +
    "is an export of the edge, the response of GET /admin/export; - is standard input. If the export lacks the " +
    "deliveries of a shard, the exit status is 1. The command needs no key. Responses are judged as by send.",
  positionals: 2,
  options: RUN_OPTIONS,
  examples: ["replay deliveries http://127.0.0.1:3000/webhook", "replay export.ndjson http://127.0.0.1:3000/webhook"],
  async run(args, interruption) {
    const [from, target] = args.positionals;
    if (from === undefined) throw usage("FOLDER is missing: give the folder that listen --save wrote to, or the file of an export");
    const to = url(target);
    const { all, broken } = (await isExport(from)) ? await exported(from) : { all: await saved(from), broken: [] };
    const status = await sendAll(
      all,
      async ({ request: read }, signal, timeout) => {
        let request: HttpRequest;
        try {
          request = await read();
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          // The file was removed in the meantime: the others are still sent.
          return notSent(error.message);
        }
        return post(to, { headers: headersToForward(request.headers), body: request.body, signal, timeout });
      },
      to,
      args,
      interruption(),
      ({ source }) => source,
    );
    return broken.length === 0 || status === INTERRUPTED ? status : incomplete(broken);
  },
};

async function saved(folder: string): Promise<Saved[]> {
  const files = await savedIn(folder);
  // A file that is not a delivery is reported before anything is sent.
  for (const file of files) await readSaved(file);
  return files.map((file) => ({ kind: "event", source: { file }, request: () => readSaved(file) }));
}

async function exported(file: string): Promise<{ all: Saved[]; broken: string[] }> {
  const { deliveries, broken } = await readExport(file);
  if (deliveries.length === 0) {
    if (broken.length > 0) incomplete(broken);
    throw new Failure("nothing_saved", "the export has no deliveries: the edge has no body of that period any more", NOT_RUN);
  }
  return { all: deliveries.map(({ id, request }) => ({ kind: "event", source: { id }, request })), broken };
}

function incomplete(broken: readonly string[]): never {
  throw new Failure("incomplete", `the export lacks the deliveries of the shards that could not be read (${broken.join(", ")}): export them again once the edge can read them`, CHECK_FAILED);
}
