import type { DemoSessionFinished, PlaylistSessionFinished } from "./contract.js";

/** An event of any shape. */
export type JsonObject = { [name: string]: unknown };

/** A verified and typed body. `type` narrows `event`. */
export type Delivery = DemoDelivery | PlaylistDelivery | UnknownDelivery;

/** The delivery of a demo event with its documented shape. */
export type DemoDelivery = DeliveryOf<"demo_session_finished", DemoSessionFinished>;

/** The delivery of a playlist event with its documented shape. */
export type PlaylistDelivery = DeliveryOf<"playlist_session_finished", PlaylistSessionFinished>;

/** The delivery of any other genuine event, or of one that differs from its documented shape. */
export type UnknownDelivery = DeliveryOf<"unknown", JsonObject>;

/** The properties of every delivery. */
export interface DeliveryOf<Type extends string, Event> {
  /**
   * The event's name if the event has its documented shape, else `unknown`. An `unknown` event is genuine too:
   * see its `name` and `drift`.
   */
  readonly type: Type;
  /** The event as sent, with its undocumented fields. */
  readonly event: Event;
  /** The event's name as sent, whatever its shape; `null` when it is absent or not a string. */
  readonly name: string | null;
  /** The idempotency key: `<name>:<session_id>` for a known event, `body:<sha256>` for any other and for a test event. */
  readonly id: string;
  /** The signed timestamp as sent, in RFC 3339 so far; `null` when it is absent or not a string. */
  readonly timestamp: string | null;
  /** Whether `is_test` is `true`. No other value counts. */
  readonly isTest: boolean;
  /** Which key matched: 0 is the current key; 1 means that the previous key is still in use. */
  readonly keyIndex: number;
  /**
   * The differences between the event and its documentation, at most 100; `[]` if there are none. For an
   * undocumented event, only the name is compared.
   */
  readonly drift: readonly Drift[];
}

/** A place where a genuine event differs from the documentation. */
export interface Drift {
  /** The field, such as `data.user.email` or `data.items[2].name`. */
  readonly path: string;
  /** How it differs. `added`, and a fraction where an integer is documented, do not change the event's type. */
  readonly kind: "added" | "missing" | "type";
  /** The documented type, such as `string | null`; `null` for an added field. */
  readonly expected: string | null;
  /** The received type, such as `number`; `null` for a missing field. */
  readonly found: string | null;
}
