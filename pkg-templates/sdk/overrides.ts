// The fields of a made-up event that a test sets itself.
import { kind, nearest } from "./options.js";

/** Some of the documented fields of an event, at any depth. */
export type Overrides<T> = T extends readonly (infer Item)[]
  ? readonly Overrides<Item>[]
  : T extends object
    ? { readonly [Name in keyof T as string extends Name ? never : number extends Name ? never : Name]?: Overrides<T[Name]> | undefined }
    : T;

/** The shortest name that counts as a misspelling: `id` is not a misspelling of `ip`. */
const MIN_MISSPELT = 3;

/**
 * Returns an event with its overrides: objects are merged, and anything else is replaced. `undefined` removes a member. A
 * list has as many items as its override, each merged with the item at the same place.
 *
 * @param owner - The function that the overrides were passed to.
 * @throws TypeError for a value that is not JSON, and for a field that is likely a mistake.
 */
export function merge(owner: string, event: object, overrides: object): object {
  for (const name of Object.keys(overrides)) {
    const path = Object.hasOwn(event, name) ? undefined : pathTo(name, event);
    if (path !== undefined) throw new TypeError(`${owner} has no field "${name}" at the top of the event. Pass ${nested([...path, name])}.`);
  }
  return merged(owner, "", event, overrides) as object;
}

function merged(owner: string, path: string, value: unknown, override: unknown): unknown {
  if (Array.isArray(override)) return override.map((item, index) => merged(owner, `${path}[${index}]`, Array.isArray(value) ? value[index] : undefined, item));
  if (!isObject(override)) {
    checkValue(owner, path, override);
    return override;
  }
  const known = isObject(value) ? value : {};
  const members = new Map<string, unknown>(Object.entries(known));
  for (const [name, item] of Object.entries(override)) {
    const memberPath = path === "" ? name : `${path}.${name}`;
    checkName(owner, memberPath, name, Object.keys(known));
    if (item === undefined) members.delete(name);
    else members.set(name, merged(owner, memberPath, members.get(name), item));
  }
  return Object.fromEntries(members);
}

function checkName(owner: string, path: string, name: string, known: readonly string[]): void {
  if (known.includes(name) || name.length < MIN_MISSPELT) return;
  const near = nearest(name, known);
  if (near === undefined) return;
  throw new TypeError(`${owner} has no field "${path}". Did you mean "${near}"? To add a field of this name, set it on the event that ${owner} returns.`);
}

function checkValue(owner: string, path: string, value: unknown): void {
  if (value === null || typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return;
  const found = typeof value === "number" ? String(value) : kind(value);
  const fix = typeof value === "bigint" ? " Pass a number." : tag(value) === "Date" ? " Pass date.toISOString()." : "";
  throw new TypeError(`${path} in the overrides of ${owner} must be JSON, but is ${found}.${fix}`);
}

/** Finds the object in an event that has a field of this name; returns the names that lead to it. */
function pathTo(name: string, value: object): string[] | undefined {
  for (const [member, inner] of Object.entries(value)) {
    if (!isObject(inner)) continue;
    const path = Object.hasOwn(inner, name) ? [] : pathTo(name, inner);
    if (path !== undefined) return [member, ...path];
  }
  return undefined;
}

/** Writes `{ data: { user: { email: … } } }`. */
function nested(path: readonly string[]): string {
  return path.reduceRight((inner, name) => `{ ${name}: ${inner} }`, "…");
}

/** Whether a value is an object of any realm, but neither a list nor of a built-in class such as `Date`. */
export function isObject(value: unknown): value is object {
  return tag(value) === "Object";
}

/** Returns the class of a value: `Object`, `Date`, `Null`. */
export function tag(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
