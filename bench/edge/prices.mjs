// What Cloudflare bills on its paid plan beyond what that includes.
// https://developers.cloudflare.com/workers/platform/pricing/
// https://developers.cloudflare.com/durable-objects/platform/pricing/
// https://developers.cloudflare.com/workers/observability/logs/workers-logs/#pricing

/** Dollars for a million of each. */
export const PRICES = { written: 1, read: 0.001, requests: 0.3, inboxRequests: 0.15, logEvents: 0.6 };

/** What a million events cost in dollars, by what one event is counted as. */
export const priceOf = (counts) => Object.entries(PRICES).reduce((sum, [what, price]) => sum + counts[what] * price, 0);
