// Runs every vector for the mutation tests. It is fast, because it has only a part of the checks of other suites.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";
import { read, run } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

test("every vector has its verdict", () => assert.deepEqual(run({ Webhook, explain }, read(vectors)).failures, []));
