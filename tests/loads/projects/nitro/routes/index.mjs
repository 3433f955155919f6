import { verdicts } from "../../suite.mjs";
import { Webhook } from "walnut-webhooks";

export default () => verdicts(Webhook);
