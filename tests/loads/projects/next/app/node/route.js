import { verdicts } from "../../../suite.mjs";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

export const runtime = "nodejs";
export const POST = () =>
  Response.json(verdicts({ Webhook, explain }), { headers: { "x-runtime": globalThis.EdgeRuntime ?? "none" } });
