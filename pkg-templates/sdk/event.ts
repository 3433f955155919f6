/** The payload of an event, as JSON. */
export type JsonObject = { [name: string]: unknown };

/** Unknown fields are kept in the value, wherever Walnut adds them. */
type Open<T> = T & JsonObject;

/** A visitor's session in a demo has ended. Sent up to two hours later. */
export type DemoSessionFinished = Open<{
  event: "demo_session_finished";
  /** When the event was sent, RFC 3339. */
  timestamp: string;
  /** Whether it is a test event, sent from the settings. */
  is_test?: boolean;
  data: Open<{
    demo: Open<{ id: string; name: string; template_id: string; template_name: string; url: string }>;
    demo_engagement: Open<{
      /** Clicks on the floating action button. */
      fab_clicks: number;
      /** In percent. */
      guides_completion_rate: number;
      last_guide_shown: string | null;
      last_section_viewed: string | null;
      /** In percent. */
      screen_completion_rate: number;
      /** Walnut states no unit. */
      session_duration: number;
    }>;
    session_id: string;
    /** RFC 3339. */
    session_started: string;
    user: Open<{ email?: string | null; user_agent: string }>;
  }>;
}>;

/** A visitor's session in a playlist has ended. Any of its strings may be null. */
export type PlaylistSessionFinished = Open<{
  event: "playlist_session_finished";
  /** When the event was sent, RFC 3339. */
  timestamp: string | null;
  /** Whether it is a test event, sent from the settings. */
  is_test?: boolean;
  data: Open<{
    playlist: Open<{
      id: string | null;
      name: string | null;
      description: string | null;
      url: string | null;
    }>;
    session_id: string | null;
    /** RFC 3339. */
    session_started: string | null;
    /** RFC 3339. */
    session_ended: string | null;
    session_duration_secs: number;
    items: Open<{
      id: string | null;
      name: string | null;
      description: string | null;
      type: string | null;
      duration_secs: number;
      number_of_views: number;
      position: number;
      selected: boolean;
      visited: boolean;
      demo_id: string | null;
      file_url: string | null;
      screenshot_uri: string | null;
    }>[];
    user: Open<{
      email?: string | null;
      domain: string | null;
      identification_method: string | null;
      ip: string | null;
      type: string | null;
      user_agent: string | null;
    }>;
  }>;
}>;
