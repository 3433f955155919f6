// Hides the values of variables in the output of wrangler, which prints them.

/** Shorter values are not secrets, and may be parts of other words. */
const LEAST_CHARACTERS = 8;

const HIDDEN = "(hidden)";

/** Returns a function that passes lines of wrangler's output to `show`, without the values of variables. */
export function hideValues(vars: Readonly<Record<string, unknown>>, show: (line: string) => void): (line: string) => void {
  const values = Object.values(vars).flatMap(texts).filter((text) => text.length >= LEAST_CHARACTERS);
  let isInValue = false;
  return (line) => {
    // The table of bindings shortens a value, and a value may have several lines.
    const name = /^env\.(\w+) \(/.exec(line)?.[1];
    isInValue ||= name !== undefined && Object.hasOwn(vars, name);
    if (!isInValue) return show(values.reduce((text, value) => text.replaceAll(value, HIDDEN), line));
    if (name !== undefined) show(`env.${name} ${HIDDEN}`);
    isInValue = !line.includes("Environment Variable");
  };
}

/** The forms in which a value may be printed. */
function texts(value: unknown): string[] {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return [text, JSON.stringify(text).slice(1, -1), ...text.split("\n")];
}
