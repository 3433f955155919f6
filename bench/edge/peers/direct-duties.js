// The edge's direct mode with all its duties, as an expert would write it in JavaScript.
import { accepted, failed, forward, logAttempt, receive } from "./duties.js";

export default {
  async fetch(request, env) {
    const delivery = await receive(request, env);
    if (delivery instanceof Response) return delivery;
    const outcome = await forward(delivery, env.ORIGIN_URL);
    logAttempt(delivery, "origin", outcome);
    if (outcome.code === undefined) return accepted();
    return failed(outcome.code === "origin_timeout" ? 504 : 502, outcome.code);
  },
};
