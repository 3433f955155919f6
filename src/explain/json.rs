//! JSON written anew, token by token: what it says stays, so nothing is lost that a parsed value would
//! lose, such as the order of names and the spelling of numbers.

use crate::MAX_DEPTH;

/// How long a text may become, in bytes: nesting blows it up.
const MAX_BYTES: usize = 256 << 10;

/// The whitespace between tokens.
pub(super) struct Layout {
    /// What a nested line is indented by; without it there are no lines.
    indent: Option<&'static str>,
    comma: &'static str,
    colon: &'static str,
}

/// Compact, as `JSON.stringify`; as Python's `json.dumps`; in lines, as either when told to indent.
pub(super) const LAYOUTS: [Layout; 6] = [
    Layout { indent: None, comma: ",", colon: ":" },
    Layout { indent: None, comma: ", ", colon: ": " },
    Layout { indent: Some("  "), comma: ",", colon: ": " },
    Layout { indent: Some("    "), comma: ",", colon: ": " },
    Layout { indent: Some("\t"), comma: ",", colon: ": " },
    Layout { indent: Some(""), comma: ",", colon: ": " },
];

/// Which characters are escaped in strings, beyond those that must be.
pub(super) struct Escapes {
    non_ascii: bool,
    slash: bool,
}

/// As `JSON.stringify`; as Python; as PHP; as PHP told not to escape Unicode.
pub(super) const ESCAPES: [Escapes; 4] = [
    Escapes { non_ascii: false, slash: false },
    Escapes { non_ascii: true, slash: false },
    Escapes { non_ascii: true, slash: true },
    Escapes { non_ascii: false, slash: true },
];

/// Splits the first token off. Of a text that is no JSON, tokens are all the same its pieces.
fn token(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let mut rest = text.bytes();
    let ends: fn(u8) -> bool = match rest.next()? {
        b'"' => {
            let closing = rest.position(|byte| {
                let closes = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                closes
            });
            // The two quotes are added to what stands between them.
            let length = closing.map_or(text.len(), |inner| inner.saturating_add(2));
            return text.split_at_checked(length);
        }
        b'{' | b'}' | b'[' | b']' | b',' | b':' => |_| true,
        first if first.is_ascii_whitespace() => |byte| !byte.is_ascii_whitespace(),
        _ => |byte| byte.is_ascii_whitespace() || b"{}[],:\"".contains(&byte),
    };
    let length = rest.position(ends).map_or(text.len(), |others| others.saturating_add(1));
    text.split_at_checked(length)
}

fn tokens(mut text: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        let (token, rest) = token(text)?;
        text = rest;
        Some(token)
    })
}

/// Writes a text with another layout; `None` where that would be too long, or is nested too deep.
pub(super) fn reformatted(text: &str, layout: &Layout) -> Option<String> {
    let mut out = String::new();
    let mut depth: usize = 0;
    let mut opened = false;
    for token in tokens(text).filter(|token| !token.trim_ascii().is_empty()) {
        let closes = matches!(token, "}" | "]");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened != closes {
            new_line(layout, depth, &mut out);
        }
        opened = matches!(token, "{" | "[");
        match token {
            "," => out.push_str(layout.comma),
            ":" => out.push_str(layout.colon),
            _ => out.push_str(token),
        }
        if opened {
            depth = depth.saturating_add(1);
        } else if token == "," {
            new_line(layout, depth, &mut out);
        }
        if depth > MAX_DEPTH || out.len() > MAX_BYTES {
            return None;
        }
    }
    Some(out)
}

fn new_line(layout: &Layout, depth: usize, out: &mut String) {
    if let Some(indent) = layout.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
}

/// Writes a text with other escapes in its strings.
pub(super) fn reescaped(text: &str, escapes: &Escapes) -> String {
    let mut out = String::new();
    for token in tokens(text) {
        match unquoted(token) {
            Some(units) => {
                out.push('"');
                escape(units, escapes, &mut out);
                out.push('"');
            }
            None => out.push_str(token),
        }
    }
    out
}

/// The characters that have an escape of one letter, and must be escaped.
const SHORT: [(char, char); 7] = [
    ('"', '"'),
    ('\\', '\\'),
    ('\u{8}', 'b'),
    ('\u{c}', 'f'),
    ('\n', 'n'),
    ('\r', 'r'),
    ('\t', 't'),
];

/// Reads a string token as UTF-16, which holds lone surrogates too.
pub(super) fn unquoted(token: &str) -> Option<Vec<u16>> {
    let mut rest = token.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut units = Vec::new();
    while let Some(char) = rest.next() {
        let unescaped = match char {
            '\\' => match rest.next()? {
                'u' => {
                    let (digits, after) = rest.as_str().split_at_checked(4)?;
                    let mut unit = [0; 2];
                    hex::decode_to_slice(digits, &mut unit).ok()?;
                    units.push(u16::from_be_bytes(unit));
                    rest = after.chars();
                    continue;
                }
                '/' => '/',
                letter => SHORT.iter().find(|(_, short)| *short == letter)?.0,
            },
            itself => itself,
        };
        units.extend_from_slice(unescaped.encode_utf16(&mut [0; 2]));
    }
    Some(units)
}

fn escape(units: Vec<u16>, escapes: &Escapes, out: &mut String) {
    for char in char::decode_utf16(units) {
        if let Some((_, short)) = SHORT.iter().find(|(itself, _)| char == Ok(*itself)) {
            out.push('\\');
            out.push(*short);
            continue;
        }
        match char {
            Ok('/') if escapes.slash => out.push_str("\\/"),
            Ok(char) if char >= ' ' && (char.is_ascii() || !escapes.non_ascii) => out.push(char),
            Ok(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    push_unit(*unit, out);
                }
            }
            Err(lone) => push_unit(lone.unpaired_surrogate(), out),
        }
    }
}

fn push_unit(unit: u16, out: &mut String) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.extend(char::from_digit(u32::from((unit >> shift) & 15), 16));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_lose_nothing_whatever_the_text() {
        for text in [
            r#" { "a\"b" : [ 1.50 , -2e+3,true ] }"#,
            r#"{"unterminated":"\"#,
            "\u{fffd}é\"\\\"😀",
            "}}]],,::\"\"\"",
            "",
        ] {
            assert_eq!(tokens(text).collect::<String>(), text);
            assert!(tokens(text).all(|token| !token.is_empty()));
        }
    }

    #[test]
    fn a_layout_leaves_the_spelling_alone() {
        let text = "{\"b\" :1.50,\n\"a\":[ ],\"a\":[-2E+3,{ }, null]}";
        let written = |layout: usize| reformatted(text, &LAYOUTS[layout]).unwrap();
        assert_eq!(written(0), r#"{"b":1.50,"a":[],"a":[-2E+3,{},null]}"#);
        assert_eq!(written(1), r#"{"b": 1.50, "a": [], "a": [-2E+3, {}, null]}"#);
        let lines =
            "{\n\t\"b\": 1.50,\n\t\"a\": [],\n\t\"a\": [\n\t\t-2E+3,\n\t\t{},\n\t\tnull\n\t]\n}";
        assert_eq!(written(4), lines);
        assert_eq!(written(2), lines.replace('\t', "  "));
        assert_eq!(written(3), lines.replace('\t', "    "));
        assert_eq!(written(5), lines.replace('\t', ""));
    }

    #[test]
    fn a_layout_is_bounded() {
        for text in ["[".repeat(1 << 16), "]".repeat(1 << 16), ",".repeat(1 << 18)] {
            for layout in &LAYOUTS {
                let length = reformatted(&text, layout).map_or(0, |text| text.len());
                assert!(length <= MAX_BYTES, "{length}");
            }
        }
    }

    #[test]
    fn escapes_are_switched() {
        let text = r#"{"é\u00E9":"\/ / \ud83d\uDE00 😀 \ud83d \u0041\u000a\u0001\b\f\n\r\t\"\\"}"#;
        let written = |escapes: usize| reescaped(text, &ESCAPES[escapes]);
        assert_eq!(written(0), r#"{"éé":"/ / 😀 😀 \ud83d A\n\u0001\b\f\n\r\t\"\\"}"#);
        let ascii =
            r#"{"\u00e9\u00e9":"/ / \ud83d\ude00 \ud83d\ude00 \ud83d A\n\u0001\b\f\n\r\t\"\\"}"#;
        assert_eq!(written(1), ascii);
        assert_eq!(written(2), ascii.replace('/', "\\/"));
        assert_eq!(written(3), written(0).replace('/', "\\/"));
    }

    #[test]
    fn a_string_that_is_none_stays_as_it_is() {
        for text in [r#"["\x"]"#, r#"["\u12"]"#, r#"["\u+123"]"#, r#"["a"#, r#"""#] {
            assert_eq!(reescaped(text, &ESCAPES[1]), text);
        }
    }
}
