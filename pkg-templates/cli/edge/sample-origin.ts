// A sample origin, which accepts every event. The edge forwards to it if no other destination is set.
import { createServer } from "node:http";
import { listen, type Listening } from "../loopback.js";

/** An event that the origin has received. */
export interface Received {
  readonly id: string;
  readonly type: string;
  readonly bytes: number;
}

/** Listens on 127.0.0.1; port 0 is any free port. It verifies nothing, because the edge has verified the events. */
export function startSampleOrigin(port: number, receive: (event: Received) => void): Promise<Listening> {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => {
      const header = (name: string) => String(request.headers[name] ?? "");
      response.end();
      receive({ id: header("walnut-delivery-id"), type: header("walnut-delivery-type"), bytes });
    });
  });
  return listen(server, port, "--origin-port");
}
