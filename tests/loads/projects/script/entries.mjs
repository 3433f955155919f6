import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { name, exports } = require("walnut-webhooks/package.json");

for (const path of Object.keys(exports).filter((path) => !path.endsWith(".json"))) {
  const entry = path.replace(".", name);
  const imported = Object.keys(await import(entry)).sort().join();
  const required = Object.keys(require(entry)).sort().join();
  if (imported !== required) throw new Error(`${entry}: import has ${imported}, require has ${required}`);
  console.log(`${entry}: ${imported}`);
}
