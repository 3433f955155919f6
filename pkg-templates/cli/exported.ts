// Exports of an edge: a line of JSON for each delivery, as GET /admin/export writes them.
import { stat } from "node:fs/promises";
import { SIGNATURE_HEADER } from "./sender/headers.js";
import type { HttpRequest } from "./sender/request.js";
import { Failure, NOT_RUN } from "./failure.js";
import { read } from "./files.js";
import { plain } from "./terminal.js";

/** The limit on an export, in bytes: 1 GiB. */
const MOST_EXPORT_BYTES = 1 << 30;
const NEWLINE = 10;

interface Line {
  readonly id: string;
  readonly receivedAt: number;
  readonly signature: string;
  readonly bodyBase64: string;
}

interface Exported {
  readonly deliveries: { readonly id: string; readonly receivedAt: number; readonly request: () => HttpRequest }[];
  /** The shards whose deliveries are missing. */
  readonly broken: string[];
}

/** Whether a path is a file, and not a folder; `-` is standard input. */
export async function isExport(path: string): Promise<boolean> {
  if (path === "-") return true;
  return stat(path).then((found) => !found.isDirectory(), () => false);
}

/** Reads an export, and checks each line of it. The deliveries are sorted by their time of receipt. */
export async function readExport(file: string): Promise<Exported> {
  const { buffer, byteOffset, byteLength } = await read(file, MOST_EXPORT_BYTES);
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  const deliveries: Exported["deliveries"] = [];
  const broken: string[] = [];
  for (let start = 0, number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    // Bodies are decoded when they are sent, so that they are not in memory twice.
    const line = bytes.subarray(start, end);
    start = end + 1;
    const value = parse(line);
    if (isLine(value)) deliveries.push({ id: value.id, receivedAt: value.receivedAt, request: () => request(parse(line) as Line) });
    else if (isError(value)) broken.push(plain(`${value.error.shard}`));
    else {
      const name = file === "-" ? "standard input" : plain(file);
      throw new Failure("not_an_export", `line ${number} of ${name} is not a line of an export: it is cut off, or was not written by GET /admin/export`, NOT_RUN);
    }
  }
  return { deliveries: deliveries.sort((a, b) => a.receivedAt - b.receivedAt), broken };
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    return undefined;
  }
}

function isLine(value: unknown): value is Line {
  const { id, receivedAt, signature, bodyBase64 } = (value ?? {}) as Partial<Line>;
  return typeof id === "string" && typeof receivedAt === "number" && typeof signature === "string" && typeof bodyBase64 === "string";
}

function isError(value: unknown): value is { error: { shard: unknown } } {
  const { error } = (value ?? {}) as { error?: unknown };
  return typeof error === "object" && error !== null && "shard" in error;
}

function request({ signature, bodyBase64 }: Line): HttpRequest {
  const headers = [["content-type", "application/json"], [SIGNATURE_HEADER, signature]] as const;
  return { method: "POST", url: null, headers, body: Buffer.from(bodyBase64, "base64") };
}
