// The candidates: what the measuring, the goals and the tables call them.
export const DIRECT = "ours, direct";
export const WEBCRYPTO = "JS with WebCrypto";
export const PASS_THROUGH = "JS, no verification";
export const ACCEPTING = "ours, durable";
export const JS_DURABLE = "JS with WebCrypto + Durable Object";
