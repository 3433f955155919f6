// Destinations that hang leave room for a destination that answers, even if it rejects deliveries.
import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { admin, DURABLE, event, eventually, post, start, startOrigin, TOKEN } from "./support.mjs";

/** Longer than a prompt attempt. */
const TIMEOUT = "5500ms";
const EVENTS = 40;

// The tests run at the same time, because each waits for many timeouts.
describe("fairness", { concurrency: true }, () => {
  for (const hanging of [2, 3, 5, 10]) {
    test(`a destination gets all deliveries while ${hanging} others hang, if it rejects 0, 10 and 50 %`, async (t) => {
      const hangs = await startOrigin();
      hangs.answer = () => {};
      t.after(hangs.stop);
      const world = await start(t, (origin) => ({
        ...DURABLE,
        ADMIN_TOKEN: TOKEN,
        ORIGIN_TIMEOUT: TIMEOUT,
        ORIGIN_URL: undefined,
        DESTINATIONS: JSON.stringify([
          ...Array.from({ length: hanging }, (_, n) => ({ name: `hangs-${n}`, url: hangs.url })),
          { name: "good", url: origin.url },
        ]),
      }));
      const { ask } = admin(world.edge);
      equal((await post(world.url, event())).status, 200);
      // Waits until each destination has been tried, because the edge knows nothing about it before.
      await eventually(async () => {
        const { destinations } = await ask("GET", "status");
        return destinations.every(({ name, lastTaken, lastFailed }) => (name === "good" ? lastTaken : lastFailed) !== null);
      });
      for (const rejected of [0, 10, 50]) {
        const accepted = new Set();
        let answers = 0;
        const done = new Promise((resolve) => {
          world.origin.answer = (_, response, body) => {
            // Rejects `rejected` of every hundred requests, evenly spread.
            const isRejected = Math.floor(((answers + 1) * rejected) / 100) > Math.floor((answers * rejected) / 100);
            answers += 1;
            response.writeHead(isRejected ? 500 : 200).end();
            if (!isRejected) accepted.add(body.toString());
            if (accepted.size === EVENTS) resolve();
          };
        });
        const before = hangs.taken.length;
        const bodies = Array.from({ length: EVENTS }, () => event());
        for (const body of bodies) equal((await post(world.url, body)).status, 200);
        await done;
        deepEqual([...accepted].sort(), bodies.sort());
        // If each delivery had to wait for a hanging destination, there would be more of these requests.
        const others = hangs.taken.length - before;
        ok(others < EVENTS, `${others} requests to hanging destinations, while ${rejected} % were rejected`);
      }
    });
  }
});
