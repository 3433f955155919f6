import { base64 } from "./wasm-bytes.js";

/** Compiles the core from the bytes that the package carries: no request, no file, no `await`. */
export function module(): object {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return new WebAssembly.Module(bytes);
}
