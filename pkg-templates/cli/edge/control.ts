// The command's requests to the Worker, and the end of workerd.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Failure, NOT_RUN } from "../failure.js";
import { socketPath } from "./lock.js";

/** The socket of the entrypoint `machine`, in the data folder. */
export const CONTROL = "control.sock";

/** Posts to the entrypoint `machine` of the Worker, and resolves when it has responded. */
export async function post(control: string, path: string): Promise<void> {
  const sent = request({ socketPath: socketPath(control), path, method: "POST", headers: { host: "machine" }, agent: false });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  // workerd may end before the response does.
  response.on("error", () => {}).resume();
  if (response.statusCode !== 200) throw new Failure("internal", `the Worker answered ${response.statusCode}`, NOT_RUN);
}

/** Stops accepting requests, waits for the requests in flight, at most `graceMs`, and ends workerd. */
export async function drain(control: string, kill: (signal: NodeJS.Signals) => void, ended: Promise<unknown>, graceMs: number): Promise<void> {
  const timer = setTimeout(() => kill("SIGKILL"), graceMs);
  try {
    // On SIGTERM alone, workerd would not refuse connections: they would wait until its last request ends.
    await post(control, "/stop").catch(() => {});
    kill("SIGTERM");
    await ended;
  } finally {
    clearTimeout(timer);
  }
}
