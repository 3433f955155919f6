// The documented fields, in the order in which Walnut's own sample has them. Source: event.ts of the package.
import type { SampleKind } from "../../pkg-templates/cli/sender/sample.js";

/** A JSON value as the forms hold it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export interface Field {
  readonly name: string;
  readonly type: "text" | "url" | "email" | "integer" | "time" | "boolean" | "object" | "list";
  /** Whether it may be null. */
  readonly isNullable?: true;
  /** Whether it may be absent. */
  readonly isOptional?: true;
  /** What is in an object, or in each item of a list. */
  readonly fields?: readonly Field[];
}

const field = (name: string, type: Field["type"] = "text"): Field => ({ name, type });
const nullable = (name: string, type: Field["type"] = "text"): Field => ({ name, type, isNullable: true });
const object = (name: string, fields: readonly Field[]): Field => ({ name, type: "object", fields });

const EMAIL: Field = { name: "email", type: "email", isNullable: true, isOptional: true };
const IS_TEST: Field = { name: "is_test", type: "boolean", isOptional: true };

const DEMO: readonly Field[] = [
  object("data", [
    object("demo", [field("id"), field("name"), field("template_id"), field("template_name"), field("url", "url")]),
    object("demo_engagement", [
      field("fab_clicks", "integer"),
      field("guides_completion_rate", "integer"),
      nullable("last_guide_shown"),
      nullable("last_section_viewed"),
      field("screen_completion_rate", "integer"),
      field("session_duration", "integer"),
    ]),
    field("session_id"),
    field("session_started", "time"),
    object("user", [EMAIL, field("user_agent")]),
  ]),
  field("event"),
  IS_TEST,
  field("timestamp", "time"),
];

const PLAYLIST: readonly Field[] = [
  object("data", [
    {
      name: "items",
      type: "list",
      fields: [
        nullable("demo_id"),
        nullable("description"),
        field("duration_secs", "integer"),
        nullable("file_url", "url"),
        nullable("id"),
        nullable("name"),
        field("number_of_views", "integer"),
        field("position", "integer"),
        nullable("screenshot_uri", "url"),
        field("selected", "boolean"),
        nullable("type"),
        field("visited", "boolean"),
      ],
    },
    object("playlist", [nullable("description"), nullable("id"), nullable("name"), nullable("url", "url")]),
    field("session_duration_secs", "integer"),
    nullable("session_ended", "time"),
    nullable("session_id"),
    nullable("session_started", "time"),
    object("user", [nullable("domain"), EMAIL, nullable("identification_method"), nullable("ip"), nullable("type"), nullable("user_agent")]),
  ]),
  field("event"),
  IS_TEST,
  nullable("timestamp", "time"),
];

/** The fields of each event; a test event is a demo's. */
export const FIELDS: Readonly<Record<SampleKind, readonly Field[]>> = { demo: DEMO, playlist: PLAYLIST, test: DEMO };

/** Puts an object's members in the order of the fields, and leaves out what is absent. */
export function inOrder(object: JsonObject, fields: readonly Field[]): JsonObject {
  return Object.fromEntries(fields.filter(({ name }) => name in object).map(({ name, type, fields = [] }) => {
    const value = object[name] as Json;
    if (type === "object") return [name, inOrder(value as JsonObject, fields)];
    if (type === "list") return [name, (value as JsonObject[]).map((item) => inOrder(item, fields))];
    return [name, value];
  }));
}

/** A step into an event: the name of a member, or the place of an item. */
export type Path = readonly (string | number)[];

/** The paths of all that an event must have; of a list's items, those of the first. */
export function requiredPaths(event: JsonObject, fields: readonly Field[], before: Path = []): Path[] {
  return fields.filter(({ isOptional }) => !isOptional).flatMap(({ name, type, fields = [] }) => {
    const path = [...before, name];
    const value = event[name];
    if (type === "object") return [path, ...requiredPaths(value as JsonObject, fields, path)];
    const first = type === "list" ? (value as JsonObject[])[0] : undefined;
    return first === undefined ? [path] : [path, ...requiredPaths(first, fields, [...path, 0])];
  });
}

/** Writes a path as people do: `data.items[0].name`. */
export function written(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}
