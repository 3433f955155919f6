// The harness on this machine: its files, and a relay for what a browser may not send. Both are for one person:
// they are there on loopback only, and the relay is only for who has the token.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import type { Attempt } from "../sender/judge.js";
import { post } from "./post.js";
import { onward } from "./saved.js";

const FILES = new URL("../harness/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The limit on the body to send, in bytes, and on the question it comes in, where it is in base64. */
const MOST_BODY_BYTES = 1 << 20;
const MOST_BYTES = 2 << 20;

const SAFE: OutgoingHttpHeaders = {
  "cache-control": "no-cache",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** What a request to the relay asks for, as JSON. */
export interface Relayed {
  /** http or https. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In base64. */
  readonly body: string;
}

/** What the relay answers: an attempt, whose body is in base64. */
export type RelayAnswer = Omit<Attempt, "body"> & { readonly body: string };

export interface Harness {
  /** Where the page is, with the token behind the `#`, which no browser sends to anybody. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page and the relay on 127.0.0.1; port 0 is any. */
export async function startHarness(port = 0): Promise<Harness> {
  const files = new Map<string, Uint8Array>(readdirSync(FILES).map((name) => [`/${name}`, readFileSync(new URL(name, FILES))]));
  files.set("/", files.get("/index.html") as Uint8Array);
  const token = randomBytes(24).toString("base64url");
  const server = createServer((request, response) => {
    // By its own name only: else a page of a stranger's could have its own name point here.
    const { port } = server.address() as AddressInfo;
    if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? "")) return fail(response, 403, "forbidden", "this is for 127.0.0.1 only");
    const path = (request.url ?? "").split("?", 1)[0] as string;
    // Who breaks off hears no answer, and needs none.
    if (path === "/relay") return void relay(request, response, token).catch(() => response.destroy());
    const file = files.get(path);
    if (file === undefined) return fail(response, 404, "not_found", "there is no such file");
    if (request.method !== "GET" && request.method !== "HEAD") return fail(response, 405, "method_not_allowed", "only GET", { allow: "GET, HEAD" });
    response.writeHead(200, { ...SAFE, "content-type": TYPES[extname(path) || ".html"], "content-length": file.length }).end(request.method === "GET" ? file : undefined);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/#token=${token}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function relay(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
  if (request.method !== "POST") return fail(response, 405, "method_not_allowed", "only POST", { allow: "POST" });
  if (!isSame(request.headers.authorization ?? "", `Bearer ${token}`)) {
    return fail(response, 401, "unauthorized", "the token is missing or wrong: open the link that the terminal shows");
  }
  const text = await readText(request);
  const asked = text === undefined ? undefined : parse(text);
  if (asked === undefined) return fail(response, 400, "invalid_request", "url (http or https, without a user name), headers and body (base64, 1 MiB at most) are needed, as JSON");
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const { status, error, ms, headers, body } = await post(asked.url, { headers: asked.headers, body: asked.body, signal: gone.signal });
  const answer: RelayAnswer = { status, error, ms, headers, body: Buffer.from(body).toString("base64") };
  response.writeHead(200, { ...SAFE, "content-type": "application/json" }).end(JSON.stringify(answer));
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length <= MOST_BYTES) pieces.push(piece);
  }
  return length <= MOST_BYTES ? Buffer.concat(pieces).toString() : undefined;
}

/** What the connection is about is not for the page to say. */
const FORBIDDEN = /^(host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function parse(text: string): { url: URL; headers: OutgoingHttpHeaders; body: Buffer } | undefined {
  let asked: Partial<Relayed>;
  try {
    asked = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { url, headers, body } = asked ?? {};
  if (typeof url !== "string" || !URL.canParse(url)) return undefined;
  const { protocol, username, password } = new URL(url);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return undefined;
  if (!Array.isArray(headers) || !headers.every(isHeader) || typeof body !== "string") return undefined;
  const bytes = Buffer.from(body, "base64");
  if (bytes.length > MOST_BODY_BYTES || bytes.toString("base64") !== body) return undefined;
  return { url: new URL(url), headers: onward(headers), body: bytes };
}

function isHeader(pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  const [name, value] = pair;
  return typeof name === "string" && typeof value === "string" && NAME.test(name) && !FORBIDDEN.test(name) && VALUE.test(value);
}

/** Compares digests: how long that takes says nothing of the token. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [given, token].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}

function fail(response: ServerResponse, status: number, code: string, message: string, headers: OutgoingHttpHeaders = {}): void {
  response.writeHead(status, { ...SAFE, ...headers, "content-type": "application/json" }).end(JSON.stringify({ error: { code, message } }));
}
