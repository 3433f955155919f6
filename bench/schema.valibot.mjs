// Strict validation of the documented demo event as valibot's users write it: every field, every format.
import * as v from "valibot";

const uuid = v.pipe(v.string(), v.uuid());
const datetime = v.pipe(v.string(), v.isoTimestamp());
const integer = v.pipe(v.number(), v.integer());

export const valibotDemo = v.strictObject({
  event: v.literal("demo_session_finished"),
  timestamp: datetime,
  is_test: v.optional(v.boolean()),
  data: v.strictObject({
    demo: v.strictObject({
      id: uuid,
      name: v.string(),
      template_id: uuid,
      template_name: v.string(),
      url: v.pipe(v.string(), v.url()),
    }),
    demo_engagement: v.strictObject({
      fab_clicks: integer,
      guides_completion_rate: integer,
      last_guide_shown: v.nullable(v.string()),
      last_section_viewed: v.nullable(v.string()),
      screen_completion_rate: integer,
      session_duration: integer,
    }),
    session_id: uuid,
    session_started: datetime,
    user: v.strictObject({ email: v.nullish(v.pipe(v.string(), v.email())), user_agent: v.string() }),
  }),
});
