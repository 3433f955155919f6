import { verdicts } from "../suite.mjs";
import { Webhook } from "walnut-webhooks";

console.log(JSON.stringify(verdicts(Webhook)));
