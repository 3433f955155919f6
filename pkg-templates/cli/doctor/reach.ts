import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { reason } from "../failure.js";

/** How long a connection may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Tries whether a URL's host can be connected to; says why it can't, or nothing. */
export function unreachable(url: URL, signal: AbortSignal): Promise<string | undefined> {
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSecure ? 443 : 80));
  return new Promise((resolve) => {
    const socket = isSecure ? connectSecurely({ host, port, servername: /^[\d.]+$|:/.test(host) ? "" : host }) : connect({ host, port });
    const done = (why?: string) => {
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve(why);
    };
    const stop = () => done();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => done(`there was no connection within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.once(isSecure ? "secureConnect" : "connect", () => done());
    // It stays: what comes when all is decided would else be nobody's.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      done(error.code === "ERR_SSL_WRONG_VERSION_NUMBER" ? "it does not answer with TLS: is it http?" : reason(error));
    });
  });
}
