import { verdicts } from "../../../suite.mjs";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";
import { demoSession, sampleDelivery } from "walnut-webhooks/testing";

export const runtime = "nodejs";
export const POST = () =>
  Response.json(verdicts({ Webhook, explain }), {
    headers: { "x-runtime": globalThis.EdgeRuntime ?? "none", "x-sample": sampleDelivery(demoSession()).type },
  });
