import { verdicts } from "../../suite.mjs";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

export default () => verdicts({ Webhook, explain });
