import { join } from "node:path";

// What is built is looked for below this folder, and the tools are installed beside target/.
export default { turbopack: { root: join(import.meta.dirname, "../../../../..") } };
