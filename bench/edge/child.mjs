// Child processes that answer one question at a time. The load and the origin have one each, so that they do not
// disturb each other.
import { fork } from "node:child_process";
import { once } from "node:events";

/** Starts `program`; `ask(question)` resolves with its answer. */
export function start(program) {
  const child = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" });
  const gone = once(child, "exit").then(([code]) => {
    throw new Error(`${program} has ended, with ${code}`);
  });
  gone.catch(() => {}); // it may end when asked to
  const ask = async (question) => {
    const answered = once(child, "message");
    child.send(question);
    const [{ error, ...answer }] = await Promise.race([answered, gone]);
    if (error !== undefined) throw new Error(error);
    return answer;
  };
  const stop = async () => {
    if (child.connected) child.disconnect();
    await gone.catch(() => {});
  };
  return { ask, stop };
}

/** In the child: answers each question with what `answer` returns, and ends with its parent. */
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
