// What may be found, and what to do about it.

export interface Finding {
  readonly verdict: "wrong" | "risky";
  /** What is so, in a sentence. */
  readonly finding: string;
  /** What to change, in sentences. */
  readonly fix: string;
}

const RAW_BODY = "express.json({ verify: (req, _, bytes) => { req.rawBody = bytes; } })";

/** By their codes; the worst come first. */
export const FINDINGS = {
  forgery_accepted: {
    verdict: "wrong",
    finding: "A forgery was accepted: whoever finds the URL can make events up.",
    fix:
      "Calculate HMAC-SHA256 over the raw body with Walnut's key, and answer 401 unless X-Walnut-Signature is there, once, " +
      "and equal to all 64 digits of it.",
  },
  signature_leaked: {
    verdict: "wrong",
    finding: "The answer to a forgery has the right signature in it: whoever asks gets any event signed.",
    fix: "Never send, and better not log, the signature that was calculated: that it does not match is all there is to say.",
  },
  accepted_unread: {
    verdict: "wrong",
    finding: "It answered with success before the body was there: it can't have checked the signature over all of it.",
    fix: "Answer once the whole body has come and its signature was found right.",
  },
  wrong_url: {
    verdict: "wrong",
    finding: "Nothing takes a POST at this URL.",
    fix: "Look at the path, the port and the method of the route, and whether it is deployed.",
  },
  genuine_refused: {
    verdict: "wrong",
    finding: "A genuine delivery was refused.",
    fix:
      "With 401: the endpoint likely has another key than the one given here, or does not verify the raw bytes. With 403: " +
      "perhaps a firewall, a login or a CSRF check stands before it. Its log may say; and walnut-webhooks explain finds the " +
      "mistake in a request that it refused.",
  },
  endpoint_failed: {
    verdict: "wrong",
    finding: "The endpoint failed at a genuine delivery.",
    fix: `Its log says why. Where it runs Walnut's Express sample: Express sets no req.rawBody, so put app.use(${RAW_BODY}) before it.`,
  },
  not_in_time: {
    verdict: "wrong",
    finding: "There was no complete answer to a genuine delivery in time; Walnut waits 30 s, and sends it again.",
    fix: "Verify, store, answer 200, and do the work after that. See that every way through the handler ends in an answer.",
  },
  no_answer: {
    verdict: "wrong",
    finding: "The connection was closed without a complete answer to a genuine delivery.",
    fix: "Look whether the process, or a proxy before it, ended or broke off; its log may say.",
  },
  success_not_taken: {
    verdict: "wrong",
    finding: "A genuine delivery was answered with a success that is none to Walnut, which sends it again.",
    fix: "Answer 200 or 201; not 202, not 204. In Express: res.sendStatus(200).",
  },
  redirected: {
    verdict: "wrong",
    finding: "A genuine delivery was redirected, which Walnut takes for a failure.",
    fix: "Give Walnut the URL that it leads to, to the letter: https, host, and slash at the end.",
  },
  rate_limited: {
    verdict: "wrong",
    finding: "A genuine delivery was refused by a rate limit, and Walnut sends many again.",
    fix: "Except the webhook's path from the limit, or count only what has no right signature.",
  },
  reformatted_refused: {
    verdict: "wrong",
    finding: "An event was refused that is only written otherwise: likely a copy is verified, parsed and written anew.",
    fix:
      "Verify the bytes that came, before anything parses or decodes them. In Express: express.raw({ type: \"*/*\" }) on the " +
      `route, or ${RAW_BODY} and then req.rawBody.`,
  },
  unknown_event_refused: {
    verdict: "wrong",
    finding: "An authentic event was refused since its name or shape is not known; when Walnut adds one, it would fail.",
    fix: "Once the signature is right, answer 200, and leave aside what you don't know.",
  },
  duplicate_refused: {
    verdict: "wrong",
    finding: "A duplicate was refused: Walnut sends again what it has not heard 200 or 201 for, and would go on.",
    fix: "Answer 200 to what was handled before.",
  },
  large_event_refused: {
    verdict: "risky",
    finding: "A large event was refused; how large Walnut's may become is not documented.",
    fix:
      "Allow 1 MiB. Express's body parsers stop at 100 kB: express.json({ limit: \"1mb\" }), and so with express.raw; in nginx: " +
      "client_max_body_size 1m.",
  },
  no_size_limit: {
    verdict: "risky",
    finding: "A body of 4 MiB was accepted: if there is a limit, it is above that, and requests can fill the memory.",
    fix: "Stop at 1 MiB with 413, by Content-Length and while reading. In Express: express.raw({ limit: \"1mb\" }).",
  },
  oversized_not_413: {
    verdict: "risky",
    finding: "A body of 4 MiB was refused with another status than 413, which misleads who looks for the cause.",
    fix: "Answer 413 where a body is over the limit.",
  },
  oversized_unanswered: {
    verdict: "risky",
    finding: "A body of 4 MiB got no answer: nobody would learn that it was too large.",
    fix: "Answer 413 before the connection is closed.",
  },
  forgery_failed: {
    verdict: "risky",
    finding: "What has no right signature is answered as if the endpoint failed: strangers can make it look like an outage.",
    fix: "Answer 401. In Express, instead of throw new Error(…): return res.sendStatus(401).",
  },
  forgery_unanswered: {
    verdict: "risky",
    finding: "What has no right signature got no complete answer: strangers can hold connections, or the handler breaks.",
    fix: "Answer 401 at once.",
  },
  uppercase_accepted: {
    verdict: "risky",
    finding: "The signature was accepted in capital letters, which Walnut never sends: the comparison is laxer than it need be.",
    fix: "Compare with the header as it came: don't change its letters.",
  },
  several_accepted: {
    verdict: "risky",
    finding: "A request with two signatures was accepted, one of them made up: a proxy may look at the other one.",
    fix: "Refuse what has the header more than once. Node joins them with a comma, which no signature has in it.",
  },
  internals_shown: {
    verdict: "risky",
    finding: "An answer shows a stack trace, or where files lie.",
    fix: "Answer errors without details. In Express: NODE_ENV=production, or an error handler of your own.",
  },
  slow_client_kept: {
    verdict: "risky",
    finding: "A client that stalled in the middle of a body was still waited for: a few hundred of them may use up all connections.",
    fix:
      "Give a body a few seconds. In Node: createServer({ requestTimeout: 10_000, connectionsCheckingInterval: 1000 }, app), " +
      "where the default is 300 s; in nginx: client_body_timeout. The adapters of walnut-webhooks stop after 4 s, unless a parser reads before them.",
  },
  slow_answer: {
    verdict: "risky",
    finding: "An answer took more than 10 s; Walnut waits 30 s.",
    fix:
      "Verify, store, answer 200, and do the work after that. If the good delivery alone was quick, see whether one slow client " +
      "keeps the others waiting.",
  },
  plain_http: {
    verdict: "risky",
    finding: "The URL is plain http: whoever is in between can read events, and hold them back.",
    fix: "Use https.",
  },
} as const satisfies Readonly<Record<string, Finding>>;

export type FindingCode = keyof typeof FINDINGS;

/** What can't be seen from outside, whatever is found. */
export const NOT_SEEN =
  "Not to be seen from outside: whether signatures are compared in constant time, whether a duplicate is handled twice, and " +
  "whether a delivery is stored before it is answered.";
