import { join } from "node:path";

// Next looks for the files to build below this folder, and the tools are installed next to target/.
export default { turbopack: { root: join(import.meta.dirname, "../../../../..") } };
