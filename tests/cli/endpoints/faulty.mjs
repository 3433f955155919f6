// An endpoint that does everything right, except for the fault that a test sets.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";

export const KEY = "the key of the endpoints";

const RIGHT = {
  limit: 1 << 20,
  /** How long a body may take, in milliseconds. */
  bodyTimeout: 3000,
  /** The data that the signature covers. */
  read: (body) => body,
  matches: (right, header) => right === header,
  accept: (response) => response.end("{}"),
  refuse: (response) => response.writeHead(401).end(),
  tooLarge: (response) => response.writeHead(413, { connection: "close" }).end(),
};

export function endpoint(faults) {
  const { limit, bodyTimeout, read, matches, accept, refuse, tooLarge } = { ...RIGHT, ...faults };
  return createServer((request, response) => {
    const pieces = [];
    let length = 0;
    const timer = setTimeout(() => response.writeHead(408, { connection: "close" }).end(), bodyTimeout);
    response.on("close", () => clearTimeout(timer));
    request.on("error", () => {});
    request.on("data", (piece) => {
      length += piece.length;
      if (length <= limit) pieces.push(piece);
    });
    request.on("end", () => {
      clearTimeout(timer);
      if (response.headersSent || response.destroyed) return;
      // An answer before the end of the body resets the connection, and a client that still sends might not get the answer.
      if (length > limit) return tooLarge(response);
      const body = Buffer.concat(pieces);
      const right = createHmac("sha256", KEY).update(read(body)).digest("hex");
      if (matches(right, request.headers["x-walnut-signature"])) accept(response, body);
      else refuse(response, right);
    });
  });
}
