// Strict validation of the documented demo event as zod's users write it: every field, every format.
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
