// A Worker that does nothing, to measure the start of workerd itself.
export default {
  fetch: () => Response.json({ ok: true }),
};
