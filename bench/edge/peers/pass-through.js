// The minimum between a sender and its origin: a Worker that forwards a body without reading or verifying it.
export default {
  async fetch(request, env) {
    const { body, headers } = request;
    const answer = await fetch(env.ORIGIN_URL, {
      method: "POST",
      body,
      headers: {
        "content-type": headers.get("content-type"),
        "x-walnut-signature": headers.get("x-walnut-signature"),
      },
    });
    await answer.arrayBuffer();
    return new Response(null, { status: answer.ok ? 200 : 502 });
  },
};
