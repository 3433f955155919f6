// Writes texts as literals of a language, so that every character is preserved.

/** Writes a text as a JavaScript literal. */
export function javascript(text: string): string {
  return JSON.stringify(text);
}

/**
 * Characters that a raw string in Rust can't contain, or that the compiler rejects there because they change the
 * direction of text.
 */
const NOT_RAW = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Writes a text as a Rust literal: a raw string if possible, because JSON has many quotes. */
export function rust(text: string): string {
  if (NOT_RAW.test(text)) {
    return `"${text.replace(/["\\]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      /["\\]/.test(character) ? `\\${character}` : `\\u{${(character.codePointAt(0) as number).toString(16)}}`)}"`;
  }
  const most = Math.max(0, ...[...text.matchAll(/"(#*)/g)].map(([, hashes = ""]) => hashes.length + 1));
  const hashes = "#".repeat(most);
  return `r${hashes}"${text}"${hashes}`;
}
