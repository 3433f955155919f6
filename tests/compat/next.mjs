// Builds Next with webpack, its second bundler.
import { before } from "node:test";
import { nextTests } from "../loads/next.mjs";
import { install } from "../loads/support.mjs";

let consumer;
before(async () => (consumer = await install("next")));

nextTests("webpack", "--webpack", () => consumer);
