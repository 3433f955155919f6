// The names of the candidates with goals in the measurement, the goals and the tables.
export const OURS = "walnut-webhooks";
export const NODE = "node:crypto + timingSafeEqual";
export const SUBTLE = "WebCrypto subtle.verify, cached key";
export const HASH_WASM = "hash-wasm";
export const ZOD = "node:crypto + JSON.parse + zod strict";
export const STANDARD = "standardwebhooks";
