// Workers refuse WebAssembly compiled from bytes: the module is imported.
import compiled from "./explain.wasm";
import { explainer } from "./explainer.js";

export const explain = explainer(() => compiled);
