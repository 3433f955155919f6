const assert = require("node:assert/strict");
const { playlistSession, sampleDelivery } = require("walnut-webhooks/testing");

describe("the kit, by require", () => {
  it("makes deliveries of playlists", () => {
    const { type, event } = sampleDelivery(playlistSession({ data: { items: [{ name: "Pricing" }] } }));
    assert.deepEqual([type, event.data.items[0].name], ["playlist_session_finished", "Pricing"]);
  });
});
