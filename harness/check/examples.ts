// Examples for users who have no request to check.

/** A made-up key, for a page that has none yet. */
export const EXAMPLE_KEY = "example-key";

export interface Example {
  readonly body: string;
  readonly signature: string;
}

// Source: the sample in Walnut's help page on webhooks, with its typing error, written compactly as Walnut sends it.
const BODY = JSON.stringify({
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
});

/** The examples, by the id of their button. */
export const EXAMPLES: Readonly<Record<string, (sign: (body: string) => string) => Example>> = {
  "example-genuine": (sign) => ({ body: BODY, signature: sign(BODY) }),
  // The body was parsed and serialized.
  "example-reformatted": (sign) => ({ body: JSON.stringify(JSON.parse(BODY), null, 2), signature: sign(BODY) }),
  "example-signature": (sign) => ({ body: BODY, signature: `sha256=${sign(BODY)}` }),
  "example-request": (sign) => ({
    body: [
      "POST /webhook HTTP/1.1", "Host: hooks.example.com", "Content-Type: application/json", `X-Signature: ${sign(BODY)}`, `Content-Length: ${BODY.length}`, "", BODY,
    ].join("\n"),
    signature: "",
  }),
};
