//! Reads strings of JSON, and writes them as common serializers do.

use crate::characters;

/// The characters that a serializer escapes beyond those that JSON requires, and the form of its escapes.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    /// Whether all characters beyond ASCII are escaped.
    ascii: bool,
    /// Whether `/` is written as `\/`.
    slash: bool,
    /// The ASCII characters that are escaped by their number. If there are any, U+2028 and U+2029 are escaped too.
    numbered: &'static [u8],
    /// Whether the hex digits of escapes are uppercase.
    uppercase: bool,
}

/// The spelling of `JSON.stringify`, which escapes only the characters that JSON requires.
const PLAIN: Spelling = Spelling { ascii: false, slash: false, numbered: b"", uppercase: false };

/// The spellings of common serializers: JavaScript and Python come first, because most other serializers write like one of the
/// two.
pub(crate) const SPELLINGS: [Spelling; 8] = [
    PLAIN,
    Spelling { ascii: true, ..PLAIN },
    // PHP, by default and with JSON_UNESCAPED_UNICODE.
    Spelling { ascii: true, slash: true, ..PLAIN },
    Spelling { slash: true, ..PLAIN },
    // Go and Rails.
    Spelling { numbered: b"<>&", ..PLAIN },
    // Gson.
    Spelling { numbered: b"<>&='", ..PLAIN },
    // Jackson, configured to escape non-ASCII characters.
    Spelling { ascii: true, uppercase: true, ..PLAIN },
    // .NET.
    Spelling { ascii: true, uppercase: true, numbered: b"\"&'+<>`", ..PLAIN },
];

/// Writes a string from after its opening quote to its closing quote, and returns the text after it.
pub(super) fn write<'t>(mut text: &'t [u8], spelling: &Spelling, out: &mut Vec<u8>) -> &'t [u8] {
    while let [first, rest @ ..] = text {
        if *first == b'"' {
            out.push(b'"');
            return rest;
        }
        // Letters and digits are most of a text, and are never escaped.
        if first.is_ascii_alphanumeric() {
            out.push(*first);
            text = rest;
            continue;
        }
        write_character(read_character(*first, rest, &mut text), spelling, out);
    }
    text
}

/// Writes the text of a string, without quotes and escapes. Writes nothing if the string has half of a surrogate pair.
pub(crate) fn write_content(mut string: &[u8], out: &mut Vec<u8>) {
    while let [first, rest @ ..] = string {
        match char::from_u32(read_character(*first, rest, &mut string)) {
            Some(character) => characters::write(character, out),
            None => return out.clear(),
        }
    }
}

/// Writes a text as a string.
pub(crate) fn write_as_string(mut text: &[u8], spelling: &Spelling, out: &mut Vec<u8>) {
    out.push(b'"');
    while let [first, rest @ ..] = text {
        text = rest;
        write_character(read_utf8(*first, &mut text), spelling, out);
    }
    out.push(b'"');
}

/// Reads a character of a string, and sets `text` to the rest of the string.
fn read_character<'t>(first: u8, rest: &'t [u8], text: &mut &'t [u8]) -> u32 {
    *text = rest;
    if first == b'\\' { read_escape(text) } else { read_utf8(first, text) }
}

/// The characters that have an escape of one letter, each with its letter.
const SHORT_ESCAPES: [[u8; 2]; 7] =
    [*b"\"\"", *b"\\\\", *b"\x08b", *b"\x0cf", *b"\nn", *b"\rr", *b"\tt"];

/// Reads an escape from after its backslash. Half of a surrogate pair counts as a character if the other half is absent.
fn read_escape(text: &mut &[u8]) -> u32 {
    if let Some(high) = read_unit(text) {
        let mut ahead = text.strip_prefix(b"\\").unwrap_or_default();
        return match (high, read_unit(&mut ahead)) {
            (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                *text = ahead;
                (((high & 0x3ff) << 10) | (low & 0x3ff)).saturating_add(0x1_0000)
            }
            _ => high,
        };
    }
    let Some((letter, rest)) = text.split_first() else { return 0 };
    *text = rest;
    let known = SHORT_ESCAPES.iter().find(|[_, short]| short == letter);
    known.map_or(*letter, |[character, _]| *character).into()
}

/// Reads a `u` and four hex digits.
fn read_unit(text: &mut &[u8]) -> Option<u32> {
    let (digits, rest) = text.strip_prefix(b"u")?.split_at_checked(4)?;
    let mut unit = [0; 2];
    hex::decode_to_slice(digits, &mut unit).ok()?;
    *text = rest;
    Some(u16::from_be_bytes(unit).into())
}

/// Reads the rest of a character's UTF-8.
fn read_utf8(first: u8, text: &mut &[u8]) -> u32 {
    let length = first.leading_ones();
    let mut character = u32::from(first & 0x7f_u8.wrapping_shr(length));
    for _ in 1..length {
        let Some((next, rest)) = text.split_first() else { break };
        *text = rest;
        character = (character << 6) | u32::from(next & 0x3f);
    }
    character
}

fn write_character(character: u32, spelling: &Spelling, out: &mut Vec<u8>) {
    let byte = u8::try_from(character).ok();
    let is_numbered = match character {
        0x2028 | 0x2029 => !spelling.numbered.is_empty(),
        _ => byte.is_some_and(|byte| spelling.numbered.contains(&byte)),
    };
    let short = SHORT_ESCAPES.iter().find(|[known, _]| Some(*known) == byte);
    if let (Some([_, letter]), false) = (short, is_numbered) {
        out.extend_from_slice(&[b'\\', *letter]);
        return;
    }
    match char::from_u32(character) {
        Some('/') if spelling.slash => out.extend_from_slice(b"\\/"),
        Some(plain) if plain >= ' ' && (plain.is_ascii() || !spelling.ascii) && !is_numbered => {
            characters::write(plain, out);
        }
        Some(escaped) => {
            for unit in escaped.encode_utf16(&mut [0; 2]) {
                write_unit((*unit).into(), spelling, out);
            }
        }
        None => write_unit(character, spelling, out),
    }
}

fn write_unit(unit: u32, spelling: &Spelling, out: &mut Vec<u8>) {
    let [.., high, low] = unit.to_be_bytes();
    let bytes = [high, low];
    let digits = if spelling.uppercase { hex::encode_upper(bytes) } else { hex::encode(bytes) };
    out.extend_from_slice(b"\\u");
    out.extend_from_slice(digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a string in each of the spellings.
    fn written(string: &str) -> Vec<String> {
        let write_in = |spelling: &Spelling| {
            let mut out = Vec::new();
            let text = format!("{string}\"rest");
            assert_eq!(write(text.as_bytes(), spelling, &mut out), b"rest");
            assert_eq!(out.pop(), Some(b'"'));
            String::from_utf8(out).unwrap()
        };
        SPELLINGS.iter().map(write_in).collect()
    }

    #[test]
    fn escapes_the_characters_that_each_serializer_escapes() {
        let text = r#"é\u00E9 \/ / \ud83d\uDE00 😀 \ud83d \u0041\u000a\u001F\b\f\n\r\t\"\\ <&>='+` \u2028"#;
        let plain =
            "éé / / 😀 😀 \\ud83d A\\n\\u001f\\b\\f\\n\\r\\t\\\"\\\\ <&>='+` \u{2028}".to_owned();
        let ascii = plain
            .replace('é', "\\u00e9")
            .replace('😀', "\\ud83d\\ude00")
            .replace('\u{2028}', "\\u2028");
        let slash = |text: &str| text.replace('/', "\\/");
        let upper = ascii
            .replace("00e9", "00E9")
            .replace("d83d", "D83D")
            .replace("de00", "DE00")
            .replace("001f", "001F");
        let numbered = |text: &str, characters: &str, upper: bool| {
            let mut text = text.replace('\u{2028}', "\\u2028").replace("\\\"", "\"");
            for character in characters.chars() {
                let code = format!("\\u{:04x}", u32::from(character));
                let code = if upper { code.to_uppercase().replace('U', "u") } else { code };
                text = text.replace(character, &code);
            }
            if characters.contains('"') { text } else { text.replace('"', "\\\"") }
        };
        assert_eq!(
            written(text),
            [
                plain.clone(),
                ascii.clone(),
                slash(&ascii),
                slash(&plain),
                numbered(&plain, "&<>", false),
                numbered(&plain, "&<>='", false),
                upper.clone(),
                numbered(&upper, "&\"'+<>`", true),
            ]
        );
    }

    fn content(string: &str) -> String {
        let mut out = Vec::new();
        write_content(string.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_the_content_of_a_string() {
        assert_eq!(content(r#"{\"a\": \"\u00e9\ud83d\ude00é\\n\/\"}"#), r#"{"a": "é😀é\n/"}"#);
        for half in [r"a\ud83d", r"\ude00\ud83d", r"\ud83d\u0041"] {
            assert_eq!(content(half), "", "{half}");
        }
    }

    #[test]
    fn writes_text_as_a_string_that_reads_as_the_text() {
        let text = "{\"é\": \"/\\n\t😀\"}";
        for spelling in &SPELLINGS {
            let mut out = Vec::new();
            write_as_string(text.as_bytes(), spelling, &mut out);
            let string = String::from_utf8(out).unwrap();
            assert_eq!(content(string.strip_prefix('"').unwrap().strip_suffix('"').unwrap()), text);
        }
    }
}
