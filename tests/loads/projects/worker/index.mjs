import { verdicts } from "../suite.mjs";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

export default {
  fetch: () => Response.json(verdicts({ Webhook, explain })),
};
