// Text to UTF-8 and back. Nothing here runs when a module is imported: jsdom has neither of the two classes.

interface Codec {
  readonly encoder: TextEncoder;
  /** Throws a TypeError for bytes that are not UTF-8, and keeps a byte order mark. */
  readonly decoder: TextDecoder;
}

/** The platform's classes. */
export interface Utf8Classes {
  readonly TextEncoder: typeof TextEncoder;
  readonly TextDecoder: typeof TextDecoder;
}

interface Host extends Partial<Utf8Classes> {
  process?: { getBuiltinModule?(name: string): unknown };
}

let codec: Codec | undefined;

export function utf8(): Codec {
  if (codec === undefined) {
    const { TextEncoder, TextDecoder } = utf8Classes();
    codec = {
      encoder: new TextEncoder(),
      decoder: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }),
    };
  }
  return codec;
}

/** Finds the platform's classes: the global classes, or Node's classes if jsdom hides the global ones. */
export function utf8Classes(): Utf8Classes {
  const host = globalThis as Host;
  if (host.TextEncoder !== undefined && host.TextDecoder !== undefined) return host as Utf8Classes;
  const util = host.process?.getBuiltinModule?.("node:util");
  if (util !== undefined) return util as Utf8Classes;
  throw new Error(
    "walnut-webhooks needs TextEncoder and TextDecoder, which this environment lacks. " +
      "Assign both to globalThis.",
  );
}
