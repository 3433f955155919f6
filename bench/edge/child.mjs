// Child processes that answer one question at a time. The load and the origin run in one each, so that they do not
// disturb each other.
import { fork } from "node:child_process";
import { once } from "node:events";

/** Starts `program`; `ask(question)` resolves with its answer. */
export function start(program) {
  const child = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" });
  const exited = once(child, "exit").then(([code]) => {
    throw new Error(`${program} has ended, with ${code}`);
  });
  exited.catch(() => {}); // without a pending question, its end is not an error
  const ask = async (question) => {
    const answered = once(child, "message");
    child.send(question);
    const [{ error, ...answer }] = await Promise.race([answered, exited]);
    if (error !== undefined) throw new Error(error);
    return answer;
  };
  const stop = async () => {
    if (child.connected) child.disconnect();
    await exited.catch(() => {});
  };
  return { ask, stop };
}

/** In the child: answers each question with the result of `answer`, and ends with the parent process. */
export function serve(answer) {
  process.on("disconnect", () => process.exit());
  process.on("message", async (question) => {
    try {
      process.send(await answer(question));
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
}
