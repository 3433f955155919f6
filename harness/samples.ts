// @ts-check
// Sample bodies, compact as Walnut sends them: signing covers every byte, blanks included.

/** A made-up key, for a page that has none yet. */
export const SAMPLE_KEY = "sample-key";

// Source: the sample in Walnut's help page on webhooks, kept as printed, its typing error too.
const demo = {
  data: {
    demo: {
      id: "7a8e73ec-93ef-4f35-aadf-33c2ada9b887",
      name: "My Awesome Demo",
      template_id: "473e5dd0-7447-4c84-9a09-d0cd51442c0a",
      template_name: "My Awesome template",
      url: "https://app.teamwalnut.com/player/?demoId=7a8e73ec-93ef-4f35-aadf-33c2ada9b887&showGuide=true&showGuidesToolbar=true&showHotspots=true&source=unknown",
    },
    demo_engagement: {
      fab_clicks: 0,
      guides_completion_rate: 15,
      last_guide_shown: null,
      last_section_viewed: null,
      screen_completion_rate: 11,
      session_duration: 4,
    },
    session_id: "eb8af248-a970-46fa-bfb0-cb675b6780e1",
    session_started: "2023-11-01T16:36:47.905000Z",
    user: {
      email: "someone-awesome@walnut.io",
      user_agent:
        "ozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
    },
  },
  event: "demo_session_finished",
  timestamp: "2023-11-01T19:15:20.666248Z",
};

// Documented fields with made-up values.
const playlist = {
  data: {
    items: [
      {
        demo_id: "7a8e73ec-93ef-4f35-aadf-33c2ada9b887",
        description: "A tour in five minutes",
        duration_secs: 95,
        file_url: null,
        id: "0b6f7c1e-2f0a-4c36-9d5e-6d1a6f3f9c11",
        name: "Product tour",
        number_of_views: 2,
        position: 1,
        screenshot_uri: "https://example.com/screenshots/tour.png",
        selected: true,
        type: "demo",
        visited: true,
      },
      {
        demo_id: null,
        description: null,
        duration_secs: 0,
        file_url: "https://example.com/files/pricing.pdf",
        id: "5d2a9a44-8c0e-4f0b-8a61-1f6a3b0c7e22",
        name: "Pricing",
        number_of_views: 0,
        position: 2,
        screenshot_uri: null,
        selected: false,
        type: "file",
        visited: false,
      },
    ],
    playlist: {
      description: null,
      id: "c1f3e0b2-64d7-4a57-9a0c-2b8c6d5e4f33",
      name: "First call",
      url: "https://example.com/playlists/first-call",
    },
    session_duration_secs: 95,
    session_ended: "2026-03-02T09:31:35.000000Z",
    session_id: "9e4b1d70-5a2c-4d8e-b3f6-7c0a1e2d3f44",
    session_started: "2026-03-02T09:30:00.000000Z",
    user: {
      domain: "example.com",
      email: "visitor@example.com",
      identification_method: "email",
      ip: "192.0.2.10",
      type: "prospect",
      user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    },
  },
  event: "playlist_session_finished",
  is_test: false,
  timestamp: "2026-03-02T09:31:40.000000Z",
};

/** The sample bodies, by the id of their button. */
export const samples = {
  "sample-demo": JSON.stringify(demo),
  "sample-playlist": JSON.stringify(playlist),
  "sample-test": JSON.stringify({ ...demo, is_test: true }),
};
