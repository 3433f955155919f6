// Receives Walnut's webhooks in Next.js:  npx next build && WALNUT_WEBHOOK_KEY=... npx next start
import { join } from "node:path";

// The package is built two folders up. A project that has installed the package needs no `turbopack.root`.
export default { turbopack: { root: join(import.meta.dirname, "../..") } };
