// The module is imported, as index.edge.ts does.
import compiled from "./explain.wasm?module";
import { explainer } from "./explainer.js";
import { takeKeyReader } from "./keys.js";

export const explain = explainer(() => compiled, takeKeyReader());
