// The key and the bodies for every candidate: the documented sample unchanged, and longer bodies made from it.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const KEY = "6f0c1d5f3b9a4e7f8a2b7c4d9e0f1a2b";

const sample = readFileSync(join(import.meta.dirname, "../tests/vectors/bodies/demo.json"));

/**
 * Makes a documented event of `size` bytes. The browser's name is padded, so strict schemas still accept the event.
 */
export function body(size) {
  if (size === sample.length) return Buffer.from(sample);
  if (!(size > sample.length)) throw new Error(`a body has at least the sample's ${sample.length} bytes, not ${size}`);
  const event = JSON.parse(sample);
  event.data.user.user_agent += " Chrome/118.0.0.0".repeat(size / 17).slice(0, size - sample.length);
  const padded = Buffer.from(JSON.stringify(event));
  if (padded.length !== size) throw new Error(`${size} bytes were wanted, but the event has ${padded.length}`);
  return padded;
}
