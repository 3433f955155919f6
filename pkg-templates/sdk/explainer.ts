import type { ExplanationCause, WebhookErrorCode } from "./contract.js";
import { IMPORT_MODULE, makeGlue } from "./explain-glue.js";
import { bytes, DEFAULT_BODY_BYTES, InputError, otherHeaders, type RawBody, type SignatureHeader, signature } from "./input.js";
import { type Key, type KeyReader, readKeys } from "./keys.js";
import { utf8Classes } from "./utf8.js";
import { compileModule, instantiateModule } from "./wasm.js";
import type { Verifier } from "./webhook.js";

/**
 * Where a body differs from the one that was signed.
 *
 * The bytes are shown as text: printable ASCII as it is, `\r`, `\n` and `\t` as these escapes, a backslash as
 * `\\`, and each other byte as `\x` and two lowercase hex digits.
 */
export interface Difference {
  /** The number of equal bytes before the first difference. */
  readonly at: number;
  /** Up to 16 bytes of the received body, from the first difference on; empty if the body ends before it. */
  readonly received: string;
  /** Up to 16 bytes of the signed body, from the first difference on; empty if the body ends before it. */
  readonly signed: string;
}

/** The reason why a request is rejected, or the result that it is genuine. */
export interface Explanation {
  /** Whether the signature is valid. `webhook.verifySignature` gives the same verdict. */
  readonly ok: boolean;
  /** The code of the error that `webhook.verifySignature` throws; `null` if it throws none. */
  readonly code: WebhookErrorCode | null;
  /** The cause, as a stable word. */
  readonly cause: ExplanationCause;
  /** The problem, as a sentence. */
  readonly problem: string;
  /** The fix, as a sentence. */
  readonly fix: string;
  /**
   * Where the received body differs from the signed one, if the signed one could be reconstructed. `null` if the cause
   * is in a key or a header, or is only likely. Also `null` for `body_base64`, `body_encoded_twice` and `body_charset`,
   * because those bodies differ throughout. Leave it out of a log that must not contain parts of a body.
   */
  readonly difference: Difference | null;
}

/** The imports of an instance, with wasm-bindgen's functions that bind them to the instance and call its export. */
interface Glue extends WebAssembly.ModuleImports {
  __wbg_set_wasm(exports: object): void;
  /** explain/src/wasm.rs documents it. */
  explain(
    keys: readonly Uint8Array[],
    body: Uint8Array | undefined,
    maxBodyBytes: number,
    header: string | undefined,
    others: object,
  ): Explanation;
}

type Explain = (key: Verifier | Key, rawBody: RawBody, header: SignatureHeader) => Explanation;

/**
 * Makes the function that explains. Its WebAssembly is compiled at the first call.
 *
 * @param compile - Returns the compiled module: a `WebAssembly.Module`.
 * @param keysOf - Reads the keys of a webhook. Only the entry can pass it: this function gives no other code access to keys.
 */
export function explainer(compile: () => object, keysOf: KeyReader): Explain {
  let compiled: object | undefined;
  let running: Glue | undefined;

  function instantiate(): Glue {
    compiled ??= compileModule(compile);
    // The glue caches views of an instance's memory, so each instance gets its own.
    const glue = makeGlue(utf8Classes()) as Glue;
    const exports = instantiateModule(compiled, { [IMPORT_MODULE]: glue });
    glue.__wbg_set_wasm(exports);
    (exports["__wbindgen_start"] as () => void)();
    return glue;
  }

  return (key, rawBody, header) => {
    let input;
    try {
      input = { ...readKeysAndLimit(key, keysOf), body: bytes(rawBody), value: signature(header) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const { code, problem, fix } = error;
      return { ok: false, code, cause: code as ExplanationCause, problem, fix, difference: null };
    }
    const { keys, limit, body, value } = input;
    const others = otherHeaders(header);
    const glue = running ?? instantiate();
    // An exception leaves the instance in an unknown state, so the next call creates a new one.
    running = undefined;
    const explanation = glue.explain(keys, body.length > limit ? undefined : body, limit, value, others);
    running = glue;
    return explanation;
  };
}

function readKeysAndLimit(key: Verifier | Key, keysOf: KeyReader): { keys: readonly Uint8Array[]; limit: number } {
  if (typeof key === "object" && key !== null && "maxBodyBytes" in key) {
    const keys = keysOf(key);
    if (keys !== undefined) return { keys, limit: key.maxBodyBytes };
    throw new TypeError(
      "This Webhook comes from another copy of walnut-webhooks, such as one loaded by require() beside one loaded by import. " +
        "Pass the key instead.",
    );
  }
  return { keys: readKeys(key), limit: DEFAULT_BODY_BYTES };
}
