import { verdicts } from "../../../suite.mjs";
import { Webhook } from "walnut-webhooks";

export const runtime = "nodejs";
export const POST = () =>
  Response.json(verdicts(Webhook), { headers: { "x-runtime": globalThis.EdgeRuntime ?? "none" } });
