// Receives Walnut's webhooks in SvelteKit. BODY_SIZE_LIMIT must be above the package's limit of 1 MiB:
//   npx vite build && BODY_SIZE_LIMIT=2M WALNUT_WEBHOOK_KEY=... node build
import adapter from "@sveltejs/adapter-node";

export default { kit: { adapter: adapter() } };
