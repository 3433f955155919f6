// The edge of the soak. It can be ended in four ways, and restarts with the same folder and port.
import { spawnCommand } from "../command.mjs";

const kill = (pid) => process.kill(pid, "SIGKILL");

/** The ways to end the edge. `how` is the expected exit status of the command, or the signal that ends it. */
const ENDS = {
  stop: { how: 0, end: (command) => command.kill("SIGTERM") },
  // Its workerd continues to run, and the next command has to end it.
  command: { how: "SIGKILL", end: (command) => command.kill("SIGKILL") },
  workerd: { how: 1, end: (command) => kill(command.workerd()) },
  both: {
    how: "SIGKILL",
    end: (command) => {
      kill(command.workerd());
      command.kill("SIGKILL");
    },
  },
};

/** The processes that a kill ends. */
export const TARGETS = ["command", "workerd", "both"];

/**
 * Starts an edge. `variables` are read at each start. `restart(name)` waits for the previous restart, ends the edge in the named
 * way, and starts it again. `restarted()` waits until it runs, and `stop` ends it. `restarts` lists how long the restarts of
 * each way took until the edge listened again, in ms.
 */
export async function startEdge({ data, variables }) {
  const restarts = Object.fromEntries(Object.keys(ENDS).map((name) => [name, []]));
  /** The first start chooses any port. Later ones use the same, because senders know its number. */
  let port = 0;
  let command;
  let isEnding;

  const start = async () => {
    isEnding = false;
    const current = spawnCommand({ data, port, variables });
    command = current;
    const { url, health } = await current.started;
    if (health !== 200) throw new Error(`/healthz answered ${health} after a start`);
    port = new URL(url).port;
    current.ended.then((how) => {
      if (command === current && !isEnding) throw new Error(`edge start has ended by itself (${how}): ${current.last()}`);
    });
  };
  const stop = async (name = "stop") => {
    const { how, end } = ENDS[name];
    isEnding = true;
    end(command);
    const ended = await command.ended;
    if (ended !== how) throw new Error(`edge start has ended with ${ended} after ${name}, not with ${how}`);
  };

  await start();
  let restarted = Promise.resolve();
  return {
    url: `http://127.0.0.1:${port}`,
    restarts,
    restart(name) {
      restarted = restarted.then(async () => {
        const from = performance.now();
        await stop(name);
        await start();
        restarts[name].push(Math.round(performance.now() - from));
      });
    },
    restarted: () => restarted,
    stop,
  };
}
