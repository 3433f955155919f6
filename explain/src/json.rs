//! Rewrites JSON token by token, so that it keeps what a parsed value would lose, such as the order of names and
//! the spelling of numbers.

/// How many bytes are written before the rest is left out: indented nesting grows with its depth.
const MAX_BYTES: usize = 256 << 10;

/// How JSON is written.
pub(crate) struct Style {
    after_comma: &'static [u8],
    after_colon: &'static [u8],
    /// The indent of one level; without it, everything is on one line.
    indent: Option<&'static [u8]>,
}

/// The styles of `JSON.stringify`, of Python's `json.dumps`, and of both with an indent.
pub(crate) const STYLES: [Style; 5] = [
    Style { after_comma: b"", after_colon: b"", indent: None },
    Style { after_comma: b" ", after_colon: b" ", indent: None },
    Style { after_comma: b"", after_colon: b" ", indent: Some(b"  ") },
    Style { after_comma: b"", after_colon: b" ", indent: Some(b"    ") },
    Style { after_comma: b"", after_colon: b" ", indent: Some(b"\t") },
];

/// Writes a text in another style.
///
/// With `ascii`, its strings escape all other characters, as Python does; without it, they escape only what
/// JSON requires. For a text that is not JSON, the output is arbitrary.
pub(crate) fn write(mut text: &[u8], style: &Style, ascii: bool, out: &mut Vec<u8>) {
    let mut depth: usize = 0;
    let mut opened = false;
    while let [byte, rest @ ..] = text {
        text = rest;
        if byte.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        depth = depth.saturating_sub(closes.into());
        if opened != closes {
            new_line(style, depth, out);
        }
        opened = matches!(byte, b'{' | b'[');
        depth = depth.saturating_add(opened.into());
        out.push(*byte);
        match byte {
            b'"' => text = write_string(text, ascii, out),
            b':' => out.extend_from_slice(style.after_colon),
            b',' => {
                out.extend_from_slice(style.after_comma);
                new_line(style, depth, out);
            }
            _ => {}
        }
        if out.len() > MAX_BYTES {
            return;
        }
    }
}

fn new_line(style: &Style, depth: usize, out: &mut Vec<u8>) {
    if let Some(indent) = style.indent {
        out.push(b'\n');
        for _ in 0..depth {
            out.extend_from_slice(indent);
        }
    }
}

/// Writes a string from after its opening quote to its closing quote, and returns the text after it.
fn write_string<'t>(mut text: &'t [u8], ascii: bool, out: &mut Vec<u8>) -> &'t [u8] {
    while let [first, rest @ ..] = text {
        text = rest;
        let character = match first {
            b'"' => {
                out.push(b'"');
                break;
            }
            b'\\' => read_escape(&mut text),
            _ => read_utf8(*first, &mut text),
        };
        write_character(character, ascii, out);
    }
    text
}

/// The characters that have an escape of one letter, each with its letter.
const SHORT_ESCAPES: [[u8; 2]; 7] =
    [*b"\"\"", *b"\\\\", *b"\x08b", *b"\x0cf", *b"\nn", *b"\rr", *b"\tt"];

/// Reads what follows a backslash. Half of a surrogate pair counts as a character if the other half is absent.
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

fn write_character(character: u32, ascii: bool, out: &mut Vec<u8>) {
    if let Some([_, short]) = SHORT_ESCAPES.iter().find(|[known, _]| u32::from(*known) == character)
    {
        out.extend_from_slice(&[b'\\', *short]);
        return;
    }
    match char::from_u32(character) {
        Some(plain) if plain >= ' ' && (plain.is_ascii() || !ascii) => {
            out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Some(escaped) => {
            for unit in escaped.encode_utf16(&mut [0; 2]) {
                write_unit((*unit).into(), out);
            }
        }
        None => write_unit(character, out),
    }
}

fn write_unit(unit: u32, out: &mut Vec<u8>) {
    let [.., high, low] = unit.to_be_bytes();
    out.extend_from_slice(b"\\u");
    out.extend_from_slice(hex::encode([high, low]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, style: usize, ascii: bool) -> String {
        let mut out = Vec::new();
        write(text.as_bytes(), &STYLES[style], ascii, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keeps_the_spelling_of_names_and_numbers() {
        let text = "{\"b\" :1.50,\n\"a\":[ ],\"a\":[-2E+3,{ }, null]}";
        assert_eq!(written(text, 0, false), r#"{"b":1.50,"a":[],"a":[-2E+3,{},null]}"#);
        assert_eq!(written(text, 1, false), r#"{"b": 1.50, "a": [], "a": [-2E+3, {}, null]}"#);
        let lines =
            "{\n\t\"b\": 1.50,\n\t\"a\": [],\n\t\"a\": [\n\t\t-2E+3,\n\t\t{},\n\t\tnull\n\t]\n}";
        assert_eq!(written(text, 4, false), lines);
        assert_eq!(written(text, 2, false), lines.replace('\t', "  "));
        assert_eq!(written(text, 3, false), lines.replace('\t', "    "));
    }

    #[test]
    fn writes_strings_as_javascript_and_python_do() {
        let text =
            r#"{"é\u00E9":"\/ / \ud83d\uDE00 😀 \ud83d \u0041\u000a\u0001\b\f\n\r\t\"\\ , :"}"#;
        assert_eq!(
            written(text, 0, false),
            r#"{"éé":"/ / 😀 😀 \ud83d A\n\u0001\b\f\n\r\t\"\\ , :"}"#
        );
        assert_eq!(
            written(text, 0, true),
            r#"{"\u00e9\u00e9":"/ / \ud83d\ude00 \ud83d\ude00 \ud83d A\n\u0001\b\f\n\r\t\"\\ , :"}"#
        );
    }

    #[test]
    fn ends_on_text_that_is_not_json() {
        for text in
            [&b"\"\\"[..], b"\"\\u12", b"\"\\ud800\\", b"\"\xf0\x9f", b"\"\xff\x80", b"]]}", b"\""]
        {
            for ascii in [false, true] {
                let mut out = Vec::new();
                write(text, &STYLES[0], ascii, &mut out);
                assert!(out.len() < 20, "{out:?}");
            }
        }
    }

    #[test]
    fn bounds_the_length() {
        for text in ["[".repeat(1 << 16), "]".repeat(1 << 16), ",".repeat(1 << 18)] {
            for style in 0..STYLES.len() {
                assert!(written(&text, style, false).len() <= 2 * MAX_BYTES);
            }
        }
    }
}
