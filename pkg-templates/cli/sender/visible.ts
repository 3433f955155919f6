const NAMES: Readonly<Record<string, string>> = { "\r": "␍", "\n": "␊", "\t": "␉" };

/** Control characters, blanks other than the space, characters without width, direction marks, and U+FFFD. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\ufffd]|(?! )\p{Zs}/gu;

/** Makes invisible characters visible: a line end as ␊, others by number, such as ⟨U+FEFF⟩. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const number = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0");
    return NAMES[character] ?? `⟨U+${number}⟩`;
  });
}
