// Checks a candidate before its measurement. A candidate is { name, async?, open(key) -> { body(bytes),
// sign(bytes), verify(body, header) } }. For a genuine body, `verify` returns a truthy value. Otherwise it throws
// or returns a falsy value.

/**
 * Opens a candidate for a body, and stops the benchmark unless it distinguishes genuine from forged bodies.
 */
export async function ready({ name, async: asynchronous = false, open }, key, bytes) {
  const { body, sign, verify } = await open(key);
  const accepts = async (bytes, header) => {
    try {
      return Boolean(await verify(body(bytes), header));
    } catch {
      return false; // a rejection: most of them throw
    }
  };
  const forged = flipped(bytes);
  const [header, wrong] = [await sign(bytes), await sign(forged)];
  const fail = (fault) => {
    throw new Error(`${name} ${fault} at ${bytes.length} bytes: its measurement would mean nothing`);
  };
  if (!(await accepts(bytes, header))) fail("rejects a good signature");
  if (await accepts(bytes, wrong)) fail("accepts a bad signature");
  if (await accepts(forged, header)) fail("accepts a body with a bit flipped");
  return { name, asynchronous, verify, body: body(bytes), header };
}

/** Returns a copy with one bit changed, which is still valid text. */
function flipped(body) {
  const copy = body.map((byte) => byte);
  copy[copy.length >> 1] ^= 1;
  return copy;
}
