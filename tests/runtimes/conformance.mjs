// The conformance suite: gives every vector to the package, and compares the verdicts. It gets everything
// as arguments and uses only the language and web standards, so any runtime can run it.

const encoder = new TextEncoder();

/** Makes cases from the files in tests/vectors/: `files` by name, `bodies` as text by file name. */
export function read({ files, bodies }) {
  const part = (value) => {
    if (typeof value === "string") return encoder.encode(value);
    if (value.hex !== undefined) return Uint8Array.from(value.hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    if (value.repeat !== undefined) return encoder.encode(value.repeat.repeat(value.times));
    let body = bodies[value.file];
    for (const [from, to] of value.replace ?? []) {
      if (!body.includes(from)) throw new Error(`${from} is not in ${value.file}`);
      body = body.replaceAll(from, to);
    }
    return encoder.encode(body);
  };
  const joined = (parts) => {
    const pieces = parts.map(part);
    const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    pieces.reduce((at, piece) => (all.set(piece, at), at + piece.length), 0);
    return all;
  };
  const text = (value) => (typeof value === "string" ? value : new TextDecoder().decode(part(value)));
  return Object.entries(files).flatMap(([file, { keys, cases }]) =>
    cases.map((one) => ({
      ...one,
      name: `${file}: ${one.name}`,
      keys: (one.keys ?? keys).map(part),
      body: joined([one.body].flat()),
      header: one.header === null ? null : Array.isArray(one.header) ? one.header.map(text) : text(one.header),
      via: one.via ?? ["api", "headers", "http"],
      expected: (transport) => one.expectAt?.[transport] ?? one.expect,
    })),
  );
}

/** Runs the cases through the package's `Webhook` and `explain`; returns the number of checks and the failures. */
export function run({ Webhook, explain }, cases) {
  const failures = [];
  let checks = 0;
  const compare = (what, one, got, expected) => {
    checks++;
    const [left, right] = [canonical(got), canonical(expected)];
    if (left !== right) failures.push(`${one.name} (${what})\n  got      ${left}\n  expected ${right}`);
  };
  for (const one of cases) {
    for (const [transport, what, header] of headers(one)) {
      const expected = one.expected(transport);
      for (const [form, body] of forms(one.body)) {
        compare(`verify, ${what}, ${form}`, one, verdict(Webhook, one, (it) => it.verify(body, header)), expected);
      }
      // Keys that `Webhook` rejects have nothing to explain.
      if (one.explain !== undefined && expected.code !== "invalid_key" && what !== "header") {
        const got = verdict(Webhook, one, (it) => explain(it, one.body, withOthers(header, one.others)));
        compare(`explain, ${what}`, one, explanationVerdict(got), explanationVerdict({ difference: null, ...one.explain }));
      }
      const signature = signatureOnly(expected);
      compare(`verifySignature, ${what}`, one, verdict(Webhook, one, (it) => it.verifySignature(one.body, header)), signature);
      for (const size of [1, 64, 65536, one.body.length]) {
        if (one.body.length / (size || 1) > 5000) continue;
        const got = verdict(Webhook, one, (it) => streamed(it, one.body, size, header));
        compare(`stream by ${size}, ${what}`, one, got, signature);
      }
    }
  }
  return { checks, failures };
}

function* headers({ header, via }) {
  if (via.includes("api")) {
    yield ["api", "header", Array.isArray(header) ? { "x-walnut-signature": header } : header];
    const object = header === null ? { host: "a" } : { host: "a", "X-Walnut-Signature": header };
    if (!Array.isArray(header)) yield ["api", "object", object];
  }
  if (via.includes("headers")) {
    const all = new Headers();
    for (const value of header === null ? [] : [header].flat()) all.append("X-Walnut-Signature", value);
    yield ["headers", "Headers", all];
  }
}

/** Adds other headers to the header of the signature. */
function withOthers(header, others = {}) {
  if (!(header instanceof Headers)) return { ...others, ...header };
  for (const [name, value] of Object.entries(others)) header.append(name, value);
  return header;
}

function explanationVerdict({ ok, code, cause, difference }) {
  return { code: `${ok} ${code} ${cause} ${JSON.stringify(difference)}` };
}

function* forms(body) {
  yield ["Uint8Array", body];
  yield ["ArrayBuffer", body.buffer.slice(body.byteOffset, body.byteOffset + body.byteLength)];
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body);
  const again = encoder.encode(text);
  if (again.length === body.length && again.every((byte, index) => byte === body[index])) yield ["string", text];
}

function streamed(webhook, body, size, header) {
  const stream = webhook.stream();
  try {
    for (let at = 0; at < body.length; at += size) stream.update(body.subarray(at, at + size));
  } catch (error) {
    // A stream reports body_too_large early. `finish` gives the verdict in the contract's order: header errors come first.
    if (error.code !== "body_too_large") throw error;
  }
  return stream.finish(header);
}

function verdict(Webhook, { keys, maxBodyBytes, maxAge, now }, call) {
  let webhook;
  try {
    const options = { now: () => now };
    if (maxBodyBytes !== undefined) options.maxBodyBytes = maxBodyBytes;
    if (maxAge !== undefined) options.maxAge = maxAge;
    webhook = new Webhook(keys, options);
    const { event, ...delivery } = call(webhook);
    return delivery;
  } catch (error) {
    const code = error.code ?? String(error);
    if (code !== "not_json") return { code };
    const reason = Object.keys(REASONS).find((reason) => error.message.includes(`: ${REASONS[reason]}.`));
    return { code, reason: reason ?? error.message };
  }
}

/** The words of the vectors for the reasons of `not_json`, with the text of the messages. */
const REASONS = {
  empty: "it is empty",
  utf8: "it is not valid UTF-8",
  byte_order_mark: "it begins with a byte order mark",
  depth: "it is nested deeper than 128 levels",
  syntax: "its syntax is invalid",
  not_an_object: "its top level is not an object",
};

/** The verdict of `verifySignature` if the verdict of `verify` is `expected`. */
function signatureOnly({ code, keyIndex }) {
  return keyIndex === undefined ? { code } : { keyIndex };
}

/** A verdict as text, the same for any order of its fields and its drift. */
function canonical({ code, reason, keyIndex, drift, ...rest }) {
  if (code !== undefined) return reason === undefined ? code : `${code}: ${reason}`;
  const entries = (object) => JSON.stringify(Object.entries(object).sort());
  return JSON.stringify([keyIndex, entries(rest), drift?.map(entries).sort()]);
}
