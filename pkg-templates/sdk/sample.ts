// Made-up events with every documented field and plausible values, in the member order of Walnut's own sample.
import type { DemoSessionFinished, PlaylistSessionFinished } from "./contract.js";
import { pick, type Random, random, uuid, whole } from "./random.js";

/** Returns the time at which the events of a seed are sent, in milliseconds since the Unix epoch: within the year 2026. */
export function timeOfSeed(seed: number): number {
  return Date.UTC(2026, 0, 1) + Math.floor(random(~seed >>> 0)() * 365 * 86_400_000);
}

const DEMOS = ["Product tour", "Onboarding in five minutes", "Security overview", "Analytics deep dive", "Café & Küche"];
const TEMPLATES = ["Sales template", "Master demo", "Partner edition"];
const GUIDES = [null, "Welcome", "Create your first report", "Invite your team"];
const SECTIONS = [null, "Dashboard", "Reports", "Settings"];
const PEOPLE = ["ada", "grace", "linus", "margaret", "søren", "zoë"];
const COMPANIES = ["example.com", "example.org", "example.net"];
const AGENTS = [
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
];

/** Walnut calculates the analytics of a demo for up to two hours before it sends the event. */
const MOST_LATENESS_SECS = 2 * 60 * 60;

/** Makes a finished demo session. `at` is the time of sending, in milliseconds since the Unix epoch. */
export function demo(from: Random, at: number, isTest: boolean): DemoSessionFinished {
  const id = uuid(from);
  const duration = whole(from, 4, 1800);
  return {
    data: {
      demo: {
        id,
        name: pick(from, DEMOS),
        template_id: uuid(from),
        template_name: pick(from, TEMPLATES),
        url: `https://app.teamwalnut.com/player/?demoId=${id}&showGuide=true&showGuidesToolbar=true&showHotspots=true&source=unknown`,
      },
      demo_engagement: {
        fab_clicks: whole(from, 0, 12),
        guides_completion_rate: whole(from, 0, 100),
        last_guide_shown: pick(from, GUIDES),
        last_section_viewed: pick(from, SECTIONS),
        screen_completion_rate: whole(from, 0, 100),
        session_duration: duration,
      },
      session_id: uuid(from),
      session_started: time(at, -duration - whole(from, 60, MOST_LATENESS_SECS)),
      user: { email: email(from, pick(from, COMPANIES)), user_agent: pick(from, AGENTS) },
    },
    event: "demo_session_finished",
    is_test: isTest,
    timestamp: time(at),
  };
}

/** Makes a finished playlist session, with `length` items or with one to four. */
export function playlist(from: Random, at: number, length?: number): PlaylistSessionFinished {
  const id = uuid(from);
  const randomLength = whole(from, 1, 4);
  const items = Array.from({ length: length ?? randomLength }, (_, index) => item(from, index + 1));
  const duration = items.reduce((sum, item) => sum + (item.duration_secs ?? 0), 0);
  const lateness = whole(from, 5, 600);
  const domain = pick(from, COMPANIES);
  return {
    data: {
      items,
      playlist: {
        description: pick(from, [null, "What we promised to send"]),
        id,
        name: pick(from, ["First call", "Follow-up", "Decision makers"]),
        url: `https://app.teamwalnut.com/playlist/${id}`,
      },
      session_duration_secs: duration,
      session_ended: time(at, -lateness),
      session_id: uuid(from),
      session_started: time(at, -lateness - duration),
      user: {
        domain,
        email: email(from, domain),
        identification_method: "email",
        ip: `192.0.2.${whole(from, 1, 254)}`,
        type: pick(from, ["prospect", "customer"]),
        user_agent: pick(from, AGENTS),
      },
    },
    event: "playlist_session_finished",
    is_test: false,
    timestamp: time(at),
  };
}

function item(from: Random, position: number): PlaylistSessionFinished["data"]["items"][number] {
  const isDemo = position === 1 || from() < 0.5;
  const visited = position === 1 || from() < 0.7;
  const id = uuid(from);
  return {
    demo_id: isDemo ? uuid(from) : null,
    description: pick(from, [null, "A tour in five minutes"]),
    duration_secs: visited ? whole(from, 5, 600) : null,
    file_url: isDemo ? null : `https://example.com/files/${id}.pdf`,
    id,
    name: isDemo ? pick(from, DEMOS) : "Pricing",
    number_of_views: visited ? whole(from, 1, 3) : 0,
    position,
    screenshot_uri: pick(from, [null, `https://example.com/screenshots/${id}.png`]),
    selected: visited,
    type: isDemo ? "demo" : "file",
    visited,
  };
}

function email(from: Random, domain: string): string {
  return `${pick(from, PEOPLE)}.${whole(from, 1, 9999)}@${domain}`;
}

/** Writes a time as Walnut does, with six digits after the second. `at` is in milliseconds since the Unix epoch. */
function time(at: number, secs = 0): string {
  return new Date(at + secs * 1000).toISOString().replace("Z", "000Z");
}
