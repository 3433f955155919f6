use hifijson::num::{LexWrite, Num};
use hifijson::{Read, Write};

/// How many bytes are looked at together.
const WORD: usize = 8;

/// The input that is left. It is hifijson's `SliceLexer`, but for [`Lexer::plain`], and for text that is known to
/// be some.
pub(super) struct Lexer<'a>(&'a str);

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Self(input)
    }

    /// Takes a string behind its opening quote, up to and with its closing one, if it has no escapes in it;
    /// else takes nothing.
    ///
    /// Most strings are such. So their bytes are looked at by eight.
    pub(super) fn plain(&mut self) -> Option<&'a str> {
        let bytes = self.0.as_bytes();
        let (words, _) = bytes.as_chunks::<WORD>();
        let plain = words.iter().take_while(|word| !any_ends(u64::from_le_bytes(**word))).count();
        let skipped = plain.saturating_mul(WORD);
        let end = bytes.get(skipped..)?.iter().position(|c| ends(*c))?.saturating_add(skipped);
        let (string, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.strip_prefix('"')?;
        Some(string)
    }

    /// How many bytes are left.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether a byte ends a string, or what of it has no escapes.
fn ends(c: u8) -> bool {
    matches!(c, b'"' | b'\\' | ..b' ')
}

/// The same of any of eight bytes: what is below a number borrows from the bit above its byte. Of those that
/// do, the lowest is right, which is enough.
fn any_ends(word: u64) -> bool {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; WORD])
    }
    let below = |word: u64, least: u8| word.wrapping_sub(all(least)) & !word;
    let ends = below(word, b' ') | below(word ^ all(b'"'), 1) | below(word ^ all(b'\\'), 1);
    ends & all(0x80) != 0
}

impl Read for Lexer<'_> {
    fn peek_next(&mut self) -> Option<u8> {
        self.0.bytes().next()
    }

    /// Of a character that is not ASCII the first byte comes, and the rest is skipped: where a single byte is
    /// asked for, it is wrong anyhow.
    fn take_next(&mut self) -> Option<u8> {
        let first = self.0.bytes().next()?;
        let mut rest = self.0.chars();
        rest.next();
        self.0 = rest.as_str();
        Some(first)
    }

    fn strip_prefix(&mut self, prefix: &[u8]) -> bool {
        let rest = core::str::from_utf8(prefix).ok().and_then(|prefix| self.0.strip_prefix(prefix));
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

/// A part of the input.
#[derive(Default)]
pub(super) struct Piece<'a>(&'a str);

impl AsRef<[u8]> for Piece<'_> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl AsRef<str> for Piece<'_> {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl<'a> Write for Lexer<'a> {
    type Bytes = Piece<'a>;

    /// What it stops at is ASCII in all that hifijson looks for.
    fn write_until(&mut self, piece: &mut Piece<'a>, stop: impl FnMut(u8) -> bool) {
        let end = self.0.bytes().position(stop).unwrap_or(self.0.len());
        (piece.0, self.0) = self.0.split_at_checked(end).unwrap_or(("", self.0));
    }
}

impl<'a> LexWrite for Lexer<'a> {
    type Num = Piece<'a>;

    fn num_string_with(&mut self, num: Num) -> Num<Piece<'a>> {
        self.num_bytes_with(num)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_string_is_taken_whole_wherever_it_ends() {
        for length in 0..=4 * WORD {
            let input = format!("{}\"rest", "é".repeat(length / 2) + &"x".repeat(length % 2));
            let mut lexer = Lexer::new(&input);
            let string = lexer.plain().unwrap();
            assert_eq!((string.len(), lexer.len()), (input.len() - 5, 4), "{length}");
        }
    }

    #[test]
    fn eight_bytes_are_looked_at_as_one_is() {
        for c in 0..=u8::MAX {
            for at in 0..WORD {
                let mut word = [b'x'; WORD];
                word[at] = c;
                assert_eq!(any_ends(u64::from_le_bytes(word)), ends(c), "{c} at {at}");
            }
        }
    }

    #[test]
    fn of_any_other_nothing_is_taken() {
        for length in 0..=3 * WORD {
            for end in ["", "\\\"\"", "\n\"", "\u{1f}\""] {
                let input = "x".repeat(length) + end;
                let mut lexer = Lexer::new(&input);
                assert_eq!((lexer.plain(), lexer.len()), (None, input.len()), "{input:?}");
            }
        }
    }
}
