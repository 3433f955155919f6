// The findings, and how to fix each.

export interface Finding {
  readonly verdict: "wrong" | "risky";
  /** The fault, in sentences. */
  readonly finding: string;
  /** What to change, in sentences. */
  readonly fix: string;
}

const RAW_BODY = 'express.json({ limit: "2mb", verify: (req, _, rawBody) => { Object.assign(req, { rawBody }); } })';

/** By code, the worst first. */
export const FINDINGS = {
  forgery_accepted: {
    verdict: "wrong",
    finding: "The endpoint accepted a forgery: anyone who knows the URL can invent events.",
    fix:
      "Calculate HMAC-SHA256 over the raw body with Walnut's key. Answer 401 unless there is exactly one X-Walnut-Signature, " +
      "and all of its 64 digits match.",
  },
  signature_leaked: {
    verdict: "wrong",
    finding: "The response to a forgery contains the valid signature: an attacker can get any event signed.",
    fix:
      "Never send the calculated signature, and do not log it. Say only that the signature does not match.",
  },
  accepted_unread: {
    verdict: "wrong",
    finding: "The endpoint responded with success before the whole body had arrived, so it can't have verified the signature.",
    fix:
      "Respond after the whole body has arrived and its signature was verified.",
  },
  wrong_url: {
    verdict: "wrong",
    finding: "The endpoint does not accept POST requests at this URL.",
    fix:
      "Check the path, the port and the method of the route, and whether it is deployed.",
  },
  genuine_refused: {
    verdict: "wrong",
    finding: "The endpoint rejected a genuine delivery.",
    fix:
      "With 401, the endpoint likely has another key than doctor, or does not verify the raw bytes. With 403, a firewall, a " +
      "login or a CSRF check may reject the request. Look into the log of the endpoint. To find the mistake in a rejected " +
      "request, run walnut-webhooks explain.",
  },
  endpoint_failed: {
    verdict: "wrong",
    finding: "The endpoint failed on a genuine delivery.",
    fix:
      `Look into the log of the endpoint. If it runs Walnut's Express sample: Express does not set req.rawBody. Add app.use(${RAW_BODY}) before it.`,
  },
  not_in_time: {
    verdict: "wrong",
    finding: "The endpoint did not complete its response to a genuine delivery in time. Walnut waits 30 s, and then sends it again.",
    fix:
      "Verify, store, answer 200, and do the work afterwards. Make sure that every path through the handler ends with a response.",
  },
  no_answer: {
    verdict: "wrong",
    finding: "The connection was closed before the response to a genuine delivery was complete.",
    fix:
      "Check whether the process, or a proxy in front of it, crashed or closed the connection. Look into their logs.",
  },
  success_not_taken: {
    verdict: "wrong",
    finding: "The endpoint answered a genuine delivery with a success status that Walnut does not accept. Walnut sends it again.",
    fix:
      "Answer 200 or 201; not 202 or 204. In Express: res.sendStatus(200).",
  },
  redirected: {
    verdict: "wrong",
    finding: "The endpoint redirected a genuine delivery. Walnut treats a redirect as a failure.",
    fix:
      "In Walnut, enter the exact URL that the redirect leads to: with https, the same host, and the slash at the end.",
  },
  rate_limited: {
    verdict: "wrong",
    finding: "A rate limit rejected a genuine delivery. Walnut may send many deliveries at once.",
    fix:
      "Exempt the path of the webhook from the limit, or count only requests without a valid signature.",
  },
  reformatted_refused: {
    verdict: "wrong",
    finding: "The endpoint rejected a genuine event with different JSON formatting. It likely verifies a copy that was parsed and serialized again.",
    fix:
      "Verify the bytes of the request, before anything parses or decodes them. In Express: express.raw({ type: \"*/*\" }) on the " +
      `route, or ${RAW_BODY} and then req.rawBody.`,
  },
  unknown_event_refused: {
    verdict: "wrong",
    finding: "The endpoint rejected a genuine event because its name or shape is unknown. It will fail when Walnut adds an event.",
    fix:
      "If the signature is valid, answer 200, and ignore the events that you do not know.",
  },
  duplicate_refused: {
    verdict: "wrong",
    finding: "The endpoint rejected a duplicate. Walnut sends a delivery again until it gets 200 or 201.",
    fix:
      "Answer 200 to a delivery that was handled before.",
  },
  large_event_refused: {
    verdict: "risky",
    finding: "The endpoint rejected a large event. Walnut does not document how large its events can be.",
    fix:
      "Allow 1 MiB. The body parsers of Express stop at 100 kB: use express.json({ limit: \"1mb\" }), and the same for express.raw. " +
      "In nginx: client_max_body_size 1m.",
  },
  no_size_limit: {
    verdict: "risky",
    finding: "The endpoint accepted a body of 4 MiB: without a limit, requests can fill the memory.",
    fix:
      "Stop at 1 MiB with 413, by Content-Length and while reading. In Express: express.raw({ limit: \"1mb\" }).",
  },
  oversized_not_413: {
    verdict: "risky",
    finding: "The endpoint rejected a body of 4 MiB with a status other than 413, which hides the cause.",
    fix:
      "Answer 413 to a body over the limit.",
  },
  oversized_unanswered: {
    verdict: "risky",
    finding: "The endpoint did not respond to a body of 4 MiB: the sender can't know that it was too large.",
    fix:
      "Answer 413 before you close the connection.",
  },
  forgery_failed: {
    verdict: "risky",
    finding: "The endpoint answers requests without a valid signature with a server error: to monitoring, they look like an outage.",
    fix:
      "Answer 401. In Express, instead of throw new Error(…): return res.sendStatus(401).",
  },
  forgery_unanswered: {
    verdict: "risky",
    finding: "The endpoint did not complete its response to a request without a valid signature: strangers can occupy connections, or crash the handler.",
    fix:
      "Answer 401 at once.",
  },
  uppercase_accepted: {
    verdict: "risky",
    finding: "The endpoint accepted a signature in uppercase. Walnut sends only lowercase: the comparison is too lax.",
    fix:
      "Compare the header as it is, without changing its case.",
  },
  several_accepted: {
    verdict: "risky",
    finding: "The endpoint accepted a request with two signatures, one of them made up. A proxy may check the other one.",
    fix:
      "Reject a request that has the header more than once. Node joins the values with a comma, which no signature contains.",
  },
  internals_shown: {
    verdict: "risky",
    finding: "A response shows a stack trace or paths of files.",
    fix:
      "Answer errors without details. In Express: NODE_ENV=production, or an error handler of your own.",
  },
  slow_client_kept: {
    verdict: "risky",
    finding: "The endpoint kept waiting for a client that sent half a request. A few hundred such clients can use up all connections.",
    fix:
      "Limit the time for a body to a few seconds. In Node: createServer({ requestTimeout: 10_000, " +
      "connectionsCheckingInterval: 1000 }, app), where the default is 300 s; in nginx: client_body_timeout. The adapters of " +
      "walnut-webhooks stop after 4 s, unless a parser reads before them.",
  },
  slow_answer: {
    verdict: "risky",
    finding: "A response took more than 10 s. Walnut waits 30 s.",
    fix:
      "Verify, store, answer 200, and do the work afterwards. If only the valid delivery was fast, check whether one slow client " +
      "blocks the others.",
  },
  plain_http: {
    verdict: "risky",
    finding: "The URL is plain http: anyone on the network path can read or block events.",
    fix:
      "Use https.",
  },
} as const satisfies Readonly<Record<string, Finding>>;

export type FindingCode = keyof typeof FINDINGS;

/** The faults that a test from outside can't find. */
export const NOT_SEEN =
  "Not tested, since it can't be seen from outside: whether signatures are compared in constant time, whether a duplicate " +
  "is handled twice, and whether a delivery is stored before the response.";
