// The harness on this machine: its files, and a relay for requests that a browser may not send. Both are reachable only
// on the loopback address, and the relay needs a token.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { listen } from "./loopback.js";
import { relay, relayError, type Reply } from "./relay.js";

const FILES = new URL("./harness/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const SAFE: OutgoingHttpHeaders = {
  "cache-control": "no-cache",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

export interface Harness {
  /** The URL of the page. The token is after the `#`, which browsers do not send. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves the page and the relay on 127.0.0.1; port 0 is any free port. */
export async function startHarness(port = 0): Promise<Harness> {
  const files = new Map<string, Uint8Array>(readdirSync(FILES).map((name) => [`/${name}`, readFileSync(new URL(name, FILES))]));
  files.set("/", files.get("/index.html") as Uint8Array);
  const token = randomBytes(24).toString("base64url");
  const server = createServer((request, response) => {
    const reply: Reply = (status, value, headers = {}) => {
      response.writeHead(status, { ...SAFE, ...headers, "content-type": "application/json" }).end(JSON.stringify(value));
    };
    // Only by these names: otherwise a foreign page could reach this server through its own DNS name (DNS rebinding).
    const { port } = server.address() as AddressInfo;
    const at = port === 80 ? "" : `:${port}`;
    if (![`127.0.0.1${at}`, `localhost${at}`].includes(request.headers.host ?? "")) return reply(403, relayError("forbidden", "open the page at 127.0.0.1 or localhost"));
    const path = (request.url ?? "").split("?", 1)[0] as string;
    // A client that closed the connection gets no response.
    if (path === "/relay") return void relay(request, response, reply, token).catch(() => response.destroy());
    const file = files.get(path);
    if (file === undefined) return reply(404, relayError("not_found", "there is no such file"));
    if (request.method !== "GET" && request.method !== "HEAD") return reply(405, relayError("method_not_allowed", "the page accepts only GET and HEAD"), { allow: "GET, HEAD" });
    response.writeHead(200, { ...SAFE, "content-type": TYPES[extname(path) || ".html"], "content-length": file.length }).end(request.method === "GET" ? file : undefined);
  });
  const { origin, stop } = await listen(server, port);
  return { url: `${origin}/#token=${token}`, stop };
}
