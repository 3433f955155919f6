// What a candidate must show before it is measured. It is
// { name, async?, open(key) -> { body(bytes), sign(bytes), verify(body, header) } }, where `verify` returns
// something truthy for what is genuine, and else throws or returns something falsy.

/** Opens a candidate for a body, and stops the benchmark unless it tells genuine from forged. */
export async function ready({ name, async: asynchronous = false, open }, key, bytes) {
  const { body, sign, verify } = await open(key);
  const accepts = async (bytes, header) => {
    try {
      return Boolean(await verify(body(bytes), header));
    } catch {
      return false; // a refusal: most of them throw
    }
  };
  const forged = flipped(bytes);
  const [header, wrong] = [await sign(bytes), await sign(forged)];
  const fail = (what) => {
    throw new Error(`${name} ${what} at ${bytes.length} bytes: what it measures would be worth nothing`);
  };
  if (!(await accepts(bytes, header))) fail("refuses a good signature");
  if (await accepts(bytes, wrong)) fail("accepts a bad signature");
  if (await accepts(forged, header)) fail("accepts a body with a bit flipped");
  return { name, asynchronous, verify, body: body(bytes), header };
}

/** A copy with one bit changed, still valid text. */
function flipped(body) {
  const copy = body.map((byte) => byte);
  copy[copy.length >> 1] ^= 1;
  return copy;
}
