import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { reason } from "../failure.js";

/** How long a connection may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Connects to the host of a URL. Returns the reason if that fails, or else `undefined`. */
export function unreachable(url: URL, signal: AbortSignal): Promise<string | undefined> {
  const isSecure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isSecure ? 443 : 80));
  return new Promise((resolve) => {
    const socket = isSecure ? connectSecurely({ host, port, servername: /^[\d.]+$|:/.test(host) ? "" : host }) : connect({ host, port });
    const done = (problem?: string) => {
      signal.removeEventListener("abort", stop);
      socket.destroy();
      resolve(problem);
    };
    const stop = () => done();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => done(`no connection was made within ${CONNECT_TIMEOUT_MS / 1000} s`));
    socket.once(isSecure ? "secureConnect" : "connect", () => done());
    // The handler stays: an error without a handler would end the process.
    socket.on("error", (error) => done(reason(error)));
  });
}
