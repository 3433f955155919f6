// Servers that only this machine can reach.
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Failure, NOT_RUN, reason } from "./failure.js";

export interface Listening {
  /** Such as `http://127.0.0.1:8788`. */
  readonly origin: string;
  /** Closes it, with all connections. */
  stop(): Promise<void>;
}

/** Starts a server on 127.0.0.1; port 0 is any free port. `option` sets the port. */
export async function listen(server: Server, port: number, option = "--port"): Promise<Listening> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((error) => {
    throw new Failure("cannot_listen", `can't listen on port ${port} of 127.0.0.1: ${reason(error)}. Use another ${option}, or ${option} 0 for any free port`, NOT_RUN);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
