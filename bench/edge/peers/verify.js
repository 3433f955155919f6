// The common code of the peers that verify: WebCrypto as an expert would use it, and the headers that the edge sends.
const algorithm = { name: "HMAC", hash: "SHA-256" };
const form = /^[0-9a-f]{64}$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Imported once for each isolate. */
let key;

/** Reads the body and checks it. Returns `{ body, signature }`, or nothing if the body is not genuine. */
export async function verified(request, env) {
  const signature = request.headers.get("x-walnut-signature");
  if (signature === null || !form.test(signature)) return;
  const body = await request.arrayBuffer();
  key ??= await crypto.subtle.importKey("raw", encoder.encode(env.KEY), algorithm, false, ["verify"]);
  if (await crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(signature), body)) return { body, signature };
}

/** Returns the event's name and idempotency key. */
export function headline(body) {
  const { event, data } = JSON.parse(decoder.decode(body));
  return { name: event, id: `${event}:${data.session_id}` };
}

export const refused = () => Response.json({ error: { code: "signature_mismatch" } }, { status: 401 });
