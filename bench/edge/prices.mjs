// Cloudflare's prices on its paid plan, beyond the included amounts.
// https://developers.cloudflare.com/workers/platform/pricing/
// https://developers.cloudflare.com/durable-objects/platform/pricing/
// https://developers.cloudflare.com/workers/observability/logs/workers-logs/#pricing

/** Prices in dollars for a million of each. */
export const PRICES = { written: 1, read: 0.001, requests: 0.3, inboxRequests: 0.15, logEvents: 0.6 };

/** Returns the price of a million events in dollars, from the counts for one event. */
export const priceOf = (counts) => Object.entries(PRICES).reduce((sum, [unit, price]) => sum + counts[unit] * price, 0);
