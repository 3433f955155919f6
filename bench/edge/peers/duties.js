// The edge's work on a request before it stores or forwards it, as an expert would write it in JavaScript: the same
// routes, checks, limits, deadlines, log lines and answers.
const PATH = "/webhook";
const MAX_BODY_BYTES = 1 << 20;
/** How far past the limit a body is read, so that its sender gets the 413. */
const GRACE_BYTES = 32 << 10;
const BODY_MS = 10_000;
const ORIGIN_MS = 20_000;
const MAX_RESPONSE_BYTES = 1 << 20;

const algorithm = { name: "HMAC", hash: "SHA-256" };
const signatureForm = /^[0-9a-f]{64}$/;
const sessionForm = /^[!-9;-~]{1,128}$/;
const typeForm = /^[ -~]{1,256}$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const headers = { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" };
const MESSAGES = {
  missing_signature: "the request has no signature",
  malformed_signature: "the signature is not 64 lowercase hex digits",
  signature_mismatch: "the signature does not match the body",
  body_too_large: `the body has more than ${MAX_BODY_BYTES} bytes`,
  body_timeout: "the request body was not received in time: send the request again",
  body_cut_off: "the request body is incomplete: send the request again",
  origin_failed: "the origin did not accept the delivery: send the request again",
  origin_timeout: "the origin did not respond in time: send the request again",
  store_failed: "the delivery was not stored: send the request again",
  not_found: "there is nothing at this address",
  method_not_allowed: "the method must be POST",
};

export const accepted = () => new Response('{"ok":true}', { headers });

export function failed(status, code) {
  return new Response(JSON.stringify({ error: { code, message: MESSAGES[code] } }), { status, headers });
}

function refused(status, code) {
  console.warn(JSON.stringify({ event: "refused", code }));
  return failed(status, code);
}

/** Imported once for each isolate. */
let key;

/** Checks a request, and returns the delivery, or else the answer. */
export async function receive(request, env) {
  if (pathOf(request.url) !== PATH) return failed(404, "not_found");
  if (request.method !== "POST") return failed(405, "method_not_allowed");
  const signature = request.headers.get("x-walnut-signature");
  if (signature === null) return refused(401, "missing_signature");
  if (!signatureForm.test(signature)) return refused(401, "malformed_signature");
  const length = Number(request.headers.get("content-length") ?? NaN);
  if (length > MAX_BODY_BYTES) return refused(413, "body_too_large");
  let body;
  try {
    body = await read(request, length);
  } catch {
    return refused(400, "body_cut_off");
  }
  if (body === undefined) return refused(408, "body_timeout");
  if (body === null) return refused(413, "body_too_large");
  key ??= await crypto.subtle.importKey("raw", encoder.encode(env.KEY), algorithm, false, ["verify"]);
  const genuine = await crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(signature), body);
  if (!genuine) return refused(401, "signature_mismatch");
  const contentType = request.headers.get("content-type") ?? "";
  const { name, type, isTest, session } = headline(body);
  return {
    name,
    type,
    isTest,
    id: session === undefined ? await bodyId(body) : `${name}:${session}`,
    body,
    signature,
    contentType: typeForm.test(contentType) ? contentType : "application/json",
  };
}

/** The path of a URL, which the platform has normalized. */
function pathOf(url) {
  const from = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.indexOf("?", from);
  return end === -1 ? url.slice(from) : url.slice(from, end);
}

/** Reads a body. Resolves with `undefined` if it is late, and with `null` if it is too long. */
function read(request, length) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, BODY_MS);
    const settled = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    const body = length > 0 ? request.arrayBuffer() : readAll(request.body, MAX_BODY_BYTES, GRACE_BYTES);
    body.then(settled(resolve), settled(reject));
  });
}

/** Reads a stream of any length. Returns `null` if it exceeds the limit. */
async function readAll(stream, limit, grace) {
  const pieces = [];
  let length = 0;
  for await (const piece of stream ?? []) {
    length += piece.byteLength;
    if (length <= limit) pieces.push(piece);
    if (length > limit + grace) break;
  }
  return length <= limit ? new Blob(pieces).arrayBuffer() : null;
}

/** Returns the event's name and type, and its session if the idempotency key contains it. */
function headline(body) {
  let event;
  try {
    event = JSON.parse(decoder.decode(body));
  } catch {
    // Genuine, but not JSON: the idempotency key comes from its body.
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) return { type: "unknown", isTest: false };
  const name = typeof event.event === "string" ? event.event : undefined;
  const isTest = event.is_test === true;
  if (!Object.hasOwn(EVENTS, name)) return { name, type: "unknown", isTest };
  const session = event.data?.session_id;
  const isKey = !isTest && typeof session === "string" && sessionForm.test(session);
  return { name, type: EVENTS[name](event) ? name : "unknown", isTest, session: isKey ? session : undefined };
}

const bodyId = async (body) => `body:${new Uint8Array(await crypto.subtle.digest("SHA-256", body)).toHex()}`;

const string = (value) => typeof value === "string";
const number = (value) => typeof value === "number";
const boolean = (value) => typeof value === "boolean";
const text = (value) => value === null || typeof value === "string";
const absent = (is) => (value) => value === undefined || is(value);
const nullable = (is) => (value) => value === null || is(value);
const object = (fields) => {
  const all = Object.entries(fields);
  return (value) => typeof value === "object" && value !== null && all.every(([name, is]) => is(value[name]));
};
const array = (is) => (value) => Array.isArray(value) && value.every(is);

/** Returns whether an event has the documented shape of its name. */
const EVENTS = {
  demo_session_finished: object({
    timestamp: string,
    is_test: absent(nullable(boolean)),
    data: object({
      demo: object({ id: string, name: string, template_id: string, template_name: string, url: string }),
      demo_engagement: object({
        fab_clicks: number,
        guides_completion_rate: number,
        last_guide_shown: text,
        last_section_viewed: text,
        screen_completion_rate: number,
        session_duration: number,
      }),
      session_id: string,
      session_started: string,
      user: object({ email: absent(text), user_agent: string }),
    }),
  }),
  playlist_session_finished: object({
    timestamp: text,
    is_test: absent(nullable(boolean)),
    data: object({
      playlist: object({ id: text, name: text, description: absent(text), url: text }),
      session_id: text,
      session_started: text,
      session_ended: text,
      session_duration_secs: number,
      items: array(
        object({
          id: text,
          name: text,
          description: absent(text),
          type: text,
          duration_secs: absent(nullable(number)),
          number_of_views: number,
          position: number,
          selected: boolean,
          visited: boolean,
          demo_id: absent(text),
          file_url: absent(text),
          screenshot_uri: absent(text),
        }),
      ),
      user: object({ email: absent(text), domain: text, identification_method: text, ip: text, type: text, user_agent: text }),
    }),
  }),
};

/** Posts a delivery. Returns the status, `Retry-After` and the code of the failure, each if there is one. */
export async function forward({ body, signature, contentType, id, type, name }, url) {
  let status;
  let retryAfter;
  const headers = {
    "x-walnut-signature": signature,
    "walnut-delivery-id": id,
    "walnut-delivery-type": type,
    "walnut-key": "current",
    "content-type": contentType,
  };
  if (name !== undefined) headers["walnut-delivery-name"] = encodeURI(name).slice(0, 256);
  try {
    // Faster than a controller with a timer that is cleared.
    const signal = AbortSignal.timeout(ORIGIN_MS);
    const response = await fetch(url, { method: "POST", redirect: "manual", signal, body, headers });
    status = response.status;
    retryAfter = response.headers.get("retry-after") ?? undefined;
    if (response.ok && (await isComplete(response))) return { status, retryAfter };
    return { status, retryAfter, code: "origin_failed" };
  } catch (error) {
    return { status, retryAfter, code: error.name === "TimeoutError" ? "origin_timeout" : "origin_failed" };
  }
}

async function isComplete(response) {
  const declared = Number(response.headers.get("content-length") ?? NaN);
  if (declared <= MAX_RESPONSE_BYTES) return (await response.arrayBuffer()).byteLength === declared;
  return (await readAll(response.body, MAX_RESPONSE_BYTES, 0)) !== null;
}

/** Logs a decision. */
export function log(event, { id, type }, more) {
  console.log(JSON.stringify({ event, id, type, key: "current", ...more }));
}

/** Logs an attempt. */
export function logAttempt(delivery, destination, { status: origin, code = null }) {
  const line = { id: delivery.id, type: delivery.type, key: "current", destination, origin, code };
  if (code === null) console.log(JSON.stringify({ event: "delivered", ...line }));
  else console.warn(JSON.stringify({ event: "not_delivered", ...line }));
}
