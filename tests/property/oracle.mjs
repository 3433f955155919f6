// The verdicts of node:crypto on the random cases, and the comparison with them.
import assert from "node:assert/strict";
import { createHmac, randomInt } from "node:crypto";
import { generate, MUTATIONS, raw } from "./cases.mjs";

/** A new seed each time. PROPERTY_SEED repeats the cases of an earlier run. */
export const seed = Number(process.env.PROPERTY_SEED ?? randomInt(2 ** 32));
if (!Number.isInteger(seed)) throw new Error(`PROPERTY_SEED must be a whole number, not ${process.env.PROPERTY_SEED}`);

const mac = (key, body) => createHmac("sha256", raw(key)).update(body).digest("hex");

/** Makes the cases from number `first`, each with its header and the verdict of node:crypto. */
export function judged(first, count) {
  return Array.from({ length: count }, (_, offset) => {
    const one = generate(seed, first + offset);
    const header = one.header(mac(one.signer, one.signed));
    return { one, header, expected: expected(one, header) };
  });
}

function expected({ keys, body }, header) {
  if (!/^[0-9a-f]{64}$/.test(header)) return "malformed_signature";
  const index = keys.findIndex((key) => mac(key, body) === header);
  return index === -1 ? "signature_mismatch" : index;
}

/** Compares the verdicts on a case, and reports how to repeat it. */
export function agree({ one, header, expected }, got, file) {
  for (const [way, verdict] of Object.entries(got)) {
    if (verdict === expected) continue;
    const lengths = one.keys.map((key) => raw(key).length).join(" and ");
    assert.fail(
      `${way} says ${verdict}, but node:crypto ${expected}, in case ${one.index} (${one.mutation}): ` +
        `keys of ${lengths} bytes, a body of ${one.body.length} bytes, cut at [${one.cuts.join(", ")}], ` +
        `header ${header}. To repeat: PROPERTY_SEED=${seed} node --test tests/property/${file}`,
    );
  }
}

/** Counts the expected verdicts after each mutation, to check the distribution of the cases. */
export class Tally {
  #counts = new Map();

  add({ one, expected }) {
    const name = `${one.mutation}: ${expected}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /**
   * Each mutation must occur about equally often, with the right verdict unless two keys are equal by chance.
   */
  check(total) {
    const verdict = (mutation) => {
      if (mutation === "none") return 0;
      if (mutation === "previous key") return 1;
      return mutation === "uppercase signature" ? "malformed_signature" : "signature_mismatch";
    };
    for (const mutation of MUTATIONS) {
      const name = `${mutation}: ${verdict(mutation)}`;
      const count = this.#counts.get(name) ?? 0;
      assert.ok(count > total / 16, `only ${count} of ${total} cases: ${name}. PROPERTY_SEED=${seed}`);
    }
  }
}
