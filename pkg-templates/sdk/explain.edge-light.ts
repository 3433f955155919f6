// Edge functions refuse WebAssembly compiled from bytes: the module is imported, in their syntax.
import compiled from "./explain.wasm?module";
import { explainer } from "./explainer.js";

export const explain = explainer(() => compiled);
