// The documented fields, as tools/contract.mjs generates them from src/event.rs.
import type { SampleKind } from "../../pkg-templates/cli/sender/sample.js";
import { EVENT_FIELDS } from "../../target/contract/fields.js";

/** A JSON value in a form. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export interface Field {
  readonly name: string;
  readonly type: "text" | "url" | "email" | "integer" | "time" | "boolean" | "object" | "list";
  /** Whether it may be null. */
  readonly isNullable?: true;
  /** Whether it may be absent. */
  readonly isOptional?: true;
  /** The fields of an object, or of each item of a list. */
  readonly fields?: readonly Field[];
}

/** The fields of each sample. A test event has the fields of a demo session. */
export const FIELDS: Readonly<Record<SampleKind, readonly Field[]>> = {
  demo: EVENT_FIELDS.demo_session_finished,
  playlist: EVENT_FIELDS.playlist_session_finished,
  test: EVENT_FIELDS.demo_session_finished,
};

/** Puts an object's members in the order of the fields. */
export function inOrder(object: JsonObject, fields: readonly Field[]): JsonObject {
  return Object.fromEntries(fields.filter(({ name }) => name in object).map(({ name, type, fields = [] }) => {
    const value = object[name] as Json;
    if (type === "object") return [name, inOrder(value as JsonObject, fields)];
    if (type === "list") return [name, (value as JsonObject[]).map((item) => inOrder(item, fields))];
    return [name, value];
  }));
}

/** A step into an event: the name of a member, or the index of an item. */
export type Path = readonly (string | number)[];

/** Returns the paths of the required fields of an event. They include the fields of the first item of each list. */
export function requiredPaths(event: JsonObject, fields: readonly Field[], before: Path = []): Path[] {
  return fields.filter(({ isOptional }) => !isOptional).flatMap(({ name, type, fields = [] }) => {
    const path = [...before, name];
    const value = event[name];
    if (type === "object") return [path, ...requiredPaths(value as JsonObject, fields, path)];
    const first = type === "list" ? (value as JsonObject[])[0] : undefined;
    return first === undefined ? [path] : [path, ...requiredPaths(first, fields, [...path, 0])];
  });
}

/** Writes a path in the usual notation: `data.items[0].name`. */
export function written(path: Path): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}
