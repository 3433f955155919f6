// The candidates: what the measuring, the goals and the tables call them. Those "with all duties" do what the edge does; the
// others do as little as can be done.
export const DIRECT = "ours, direct";
export const WEBCRYPTO = "JS with WebCrypto";
export const DIRECT_DUTIES = "JS, direct, with all duties";
export const PASS_THROUGH = "JS, no verification";
export const ACCEPTING = "ours, durable";
export const JS_DURABLE = "JS with WebCrypto + Durable Object";
export const DURABLE_DUTIES = "JS, durable, with all duties";
export const DELIVERING = "ours, to 1 destination";
export const DELIVERING_TO_4 = "ours, to 4 destinations";
