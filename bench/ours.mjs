// Our side of each group.
import { imported, wasmOnly } from "../tests/property/copies.mjs";
import { OURS } from "./names.mjs";

const opened = (Webhook, method) => ({
  name: OURS,
  open(key) {
    const webhook = new Webhook(key);
    return {
      body: (bytes) => bytes,
      sign: (bytes) => webhook.sign(bytes),
      verify: (body, header) => webhook[method](body, header),
    };
  },
});

export const ours = {
  verify: opened(imported.Webhook, "verifySignature"),
  wasmOnly: opened(wasmOnly.Webhook, "verifySignature"),
  deliver: opened(imported.Webhook, "verify"),
  deliverWasmOnly: opened(wasmOnly.Webhook, "verify"),
};

/** Verifies a body as a stream, with WebAssembly only. */
export function streamed(key) {
  const webhook = new wasmOnly.Webhook(key);
  return (body, header) => {
    const stream = webhook.stream();
    for (let at = 0; at < body.length; at += 50_000) stream.update(body.subarray(at, at + 50_000));
    return stream.finish(header);
  };
}
