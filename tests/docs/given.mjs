// What snippets are given, and asked with.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { sign, signed } from "../examples/support.mjs";

export { deepEqual, equal, match, ok } from "node:assert/strict";
export { Readable } from "node:stream";
export { DEMO, KEY, sign, signed } from "../examples/support.mjs";

const body = (name) => readFileSync(new URL(`../vectors/bodies/${name}.json`, import.meta.url));
export const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
/** The same event, as a person would write it. */
export const PRETTY = JSON.stringify(JSON.parse(body("demo")), undefined, 2);

/** What a method of the console is called with from now on. */
export function listen(console, method) {
  const said = [];
  console[method] = (...words) => void said.push(...words);
  return said;
}

/** Serves an app for as long as it takes to ask it, and ends the server. */
async function asked(server, ask) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    return await ask(`http://127.0.0.1:${server.address().port}/webhook`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function post(url, body, headers) {
  const response = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  return { status: response.status, text: await response.text() };
}

/** What an app answers to one request. */
export const sent = (app, body, headers = signed(body)) => asked(createServer(app), (url) => post(url, body, headers));

/** What a server answers to an event, to the same once more, and to a forgery. */
export const served = (server) =>
  asked(server, async (url) => {
    const demo = body("demo");
    const genuine = await post(url, demo, signed(demo));
    const again = await post(url, demo, signed(demo));
    const forged = await post(url, demo, { "x-walnut-signature": sign("another body") });
    return { genuine: genuine.status, again: again.status, forged: forged.status };
  });

export const received = (app) => served(createServer(app));
