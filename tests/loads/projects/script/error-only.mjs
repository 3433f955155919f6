import { WebhookError } from "walnut-webhooks";

console.log(new WebhookError("stale", "This is older than a day", 400).code);
