// Makes events that differ from the documentation, to test how a receiver handles them.
import type { Json, JsonObject, Path } from "./fields.js";

export type Shape = "documented" | "added" | "missing" | "type" | "name" | "syntax";

/** Writes an event as JSON, in a shape. `path` is the field to remove or to change. */
export function shaped(event: JsonObject, shape: Shape, path: Path, indent: number): string {
  if (shape === "syntax") return `event=${String(event["event"])}&this=is not JSON`;
  const copy = structuredClone(event);
  if (shape === "name") copy["event"] = "demo_session_started";
  if (shape === "added") (copy["data"] as JsonObject)["not_documented"] = "an undocumented value";
  if (shape === "missing" || shape === "type") change(copy, path, shape);
  return JSON.stringify(copy, null, indent);
}

function change(event: JsonObject, path: Path, shape: "missing" | "type"): void {
  const last = path.at(-1) as string;
  const parent = path.slice(0, -1).reduce<Json>((value, step) => (value as JsonObject)[step as string] as Json, event) as JsonObject;
  if (shape === "missing") delete parent[last];
  else parent[last] = ofOtherType(parent[last] as Json);
}

/** Returns a value whose type differs from the field's type. */
function ofOtherType(value: Json): Json {
  if (Array.isArray(value)) return {};
  if (value !== null && typeof value === "object") return [];
  return typeof value === "number" ? String(value) : typeof value === "boolean" ? "yes" : 42;
}
