// jsdom, Jest's model of a browser, has no TextEncoder and no TextDecoder.
import { join } from "node:path";
import { before, test } from "node:test";
import { install, run, tools } from "./support.mjs";

let consumer;
before(async () => (consumer = await install("jsdom")));

test("Jest with jsdom, without transforms or flags: verifies, streams and signs", () =>
  run("node", [join(tools, "jest/bin/jest.js"), "--ci"], join(consumer.projects, "jsdom")));
