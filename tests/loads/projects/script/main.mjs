import { verdicts } from "../suite.mjs";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

console.log(JSON.stringify(verdicts({ Webhook, explain })));
