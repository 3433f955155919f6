// The fields of a made-up event that a test sets itself.

/** Some fields of an event, at any depth; fields that Walnut does not document are allowed, too. */
export type Overrides<T> = T extends readonly (infer Item)[]
  ? readonly Overrides<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]?: Overrides<T[Name]> | undefined }
    : T;

/**
 * Returns a value with its overrides: objects are merged, and anything else is replaced. `undefined` removes a member. A
 * list has as many items as its override, each merged with the item at the same place.
 */
export function merge(value: unknown, overrides: unknown): unknown {
  if (Array.isArray(overrides)) return overrides.map((item, index) => merge(Array.isArray(value) ? value[index] : undefined, item));
  if (!isObject(overrides)) return overrides;
  const merged = new Map(isObject(value) ? Object.entries(value) : []);
  for (const [name, override] of Object.entries(overrides)) {
    if (override === undefined) merged.delete(name);
    else merged.set(name, merge(merged.get(name), override));
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
