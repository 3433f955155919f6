// Receives Walnut's webhooks in SvelteKit. The limit on a body has to be above that of walnut-webhooks:
//   npx vite build && BODY_SIZE_LIMIT=2M WALNUT_WEBHOOK_KEY=... node build
import adapter from "@sveltejs/adapter-node";

export default { kit: { adapter: adapter() } };
