// Workers do not compile WebAssembly from bytes, so the module is imported, as index.workerd.ts does.
import compiled from "./explain.wasm?module";
import { explainer } from "./explainer.js";

export const explain = explainer(() => compiled);
