// What strict validation of the documented demo event looks like by hand: every field, every format.
import * as v from "valibot";
import { z } from "zod";

export const zodDemo = z.strictObject({
  event: z.literal("demo_session_finished"),
  timestamp: z.iso.datetime(),
  is_test: z.boolean().optional(),
  data: z.strictObject({
    demo: z.strictObject({
      id: z.uuid(),
      name: z.string(),
      template_id: z.uuid(),
      template_name: z.string(),
      url: z.url(),
    }),
    demo_engagement: z.strictObject({
      fab_clicks: z.int(),
      guides_completion_rate: z.int(),
      last_guide_shown: z.string().nullable(),
      last_section_viewed: z.string().nullable(),
      screen_completion_rate: z.int(),
      session_duration: z.int(),
    }),
    session_id: z.uuid(),
    session_started: z.iso.datetime(),
    user: z.strictObject({ email: z.email().nullish(), user_agent: z.string() }),
  }),
});

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
