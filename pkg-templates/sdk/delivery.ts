import type { DemoSessionFinished, JsonObject, PlaylistSessionFinished } from "./event.js";

/** A verified body, read. `type` narrows `event`. */
export type Delivery =
  | DeliveryOf<"demo_session_finished", DemoSessionFinished>
  | DeliveryOf<"playlist_session_finished", PlaylistSessionFinished>
  | DeliveryOf<"unknown", JsonObject>;

/** What every delivery has. */
export interface DeliveryOf<Type extends string, Event> {
  /**
   * The event's type if it has its documented shape, else `unknown`: authentic all the same. Look at
   * `name` and `drift` then.
   */
  readonly type: Type;
  /** The payload as sent, unknown fields included. */
  readonly event: Event;
  /** The event's name as sent, whatever its shape; `null` when it is absent or no string. */
  readonly name: string | null;
  /** The idempotency key: `<name>:<session_id>` for a known event, else `body:<sha256>`. */
  readonly id: string;
  /** The signed time as sent, RFC 3339 in all that was seen; `null` when it is absent or no string. */
  readonly timestamp: string | null;
  /** Whether `is_test` is `true`: nothing else counts. */
  readonly isTest: boolean;
  /** Which key matched: 0 is the current one; 1 means that the previous one is still in use. */
  readonly keyIndex: number;
  /**
   * Where the event differs from the documentation, at most 100 places; `[]` when it does not. Of an
   * event that is not documented, only the name is compared.
   */
  readonly drift: readonly Drift[];
}

/** A place where an authentic event differs from the documentation. */
export interface Drift {
  /** Where, such as `data.user.email` or `data.items[2].name`. */
  readonly path: string;
  /** `added` leaves the type; so does a fraction where an integer is documented. */
  readonly kind: "added" | "missing" | "type";
  /** What the documentation states, such as `string | null`; `null` when added. */
  readonly expected: string | null;
  /** What came, such as `number`; `null` when missing. */
  readonly found: string | null;
}
