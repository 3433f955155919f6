const { verdicts } = require("../suite.cjs");
const { Webhook } = require("walnut-webhooks");
const { explain } = require("walnut-webhooks/explain");

console.log(JSON.stringify(verdicts({ Webhook, explain })));
