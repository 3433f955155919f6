const { verdicts } = require("../suite.cjs");
const { Webhook } = require("walnut-webhooks");

console.log(JSON.stringify(verdicts(Webhook)));
