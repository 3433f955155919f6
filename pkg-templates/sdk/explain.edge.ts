// index.edge.ts says why the module is imported.
import compiled from "./explain.wasm?module";
import { explainer } from "./explainer.js";
import { takeKeyReader } from "./keys.js";

export const explain = explainer(() => compiled, takeKeyReader());
