//! Rewrites JSON token by token. This keeps details that a parsed value would lose, such as the order of names
//! and the spelling of numbers.

mod number;
mod string;

pub(crate) use number::{MAX_DECIMALS, complete, keep, names, without_zeros};
pub(crate) use string::{SPELLINGS, Spelling, write_as_string, write_content};

/// The longest output in bytes; the rest is left out. Without a limit, the indents of deep nesting could grow
/// very large.
const MAX_BYTES: usize = 256 << 10;

/// How JSON is laid out.
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

/// Returns the first `count` [`SPELLINGS`], without those that write this text in the same way as an earlier one.
pub(crate) fn distinct_spellings(text: &[u8], count: usize) -> Vec<&'static Spelling> {
    let mut all: Vec<(&Spelling, Vec<u8>)> = Vec::new();
    for spelling in SPELLINGS.iter().take(count) {
        let mut out = Vec::new();
        write(text, &STYLES[0], spelling, &mut keep, &mut out);
        if all.iter().all(|(_, other)| *other != out) {
            all.push((spelling, out));
        }
    }
    all.into_iter().map(|(spelling, _)| spelling).collect()
}

/// Writes a number. The arguments are the name that the number belongs to, as spelled in the text; the number;
/// and the output.
pub(crate) type WriteNumber<'w, 't> = &'w mut dyn FnMut(&'t [u8], &'t [u8], &mut Vec<u8>);

/// Writes a text in another style. For a text that is not JSON, the output is arbitrary.
pub(crate) fn write<'t>(
    mut text: &'t [u8],
    style: &Style,
    spelling: &Spelling,
    write_number: WriteNumber<'_, 't>,
    out: &mut Vec<u8>,
) {
    let mut depth: usize = 0;
    let mut opened = false;
    let [mut string, mut name]: [&[u8]; 2] = [b"", b""];
    while let [byte, rest @ ..] = text {
        if byte.is_ascii_whitespace() {
            text = rest;
            continue;
        }
        let closes = matches!(byte, b'}' | b']');
        depth = depth.saturating_sub(closes.into());
        if opened != closes {
            new_line(style, depth, out);
        }
        opened = matches!(byte, b'{' | b'[');
        depth = depth.saturating_add(opened.into());
        if matches!(byte, b'-' | b'0'..=b'9') {
            let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
            let length = text.iter().take_while(|byte| is_part(byte)).count();
            let (number, after) = text.split_at_checked(length).unwrap_or_default();
            write_number(name, number, out);
            text = after;
        } else {
            out.push(*byte);
            text = rest;
        }
        match byte {
            b'"' => {
                text = string::write(rest, spelling, out);
                string = rest.get(..rest.len().saturating_sub(text.len())).unwrap_or_default();
            }
            b':' => {
                name = string;
                out.extend_from_slice(style.after_colon);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, style: usize, spelling: usize) -> String {
        let mut out = Vec::new();
        write(text.as_bytes(), &STYLES[style], &SPELLINGS[spelling], &mut keep, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn keeps_the_spelling_of_names_and_numbers() {
        let text = "{\"b\" :1.50,\n\"a\":[ ],\"a\":[-2E+3,{ }, null]}";
        assert_eq!(written(text, 0, 0), r#"{"b":1.50,"a":[],"a":[-2E+3,{},null]}"#);
        assert_eq!(written(text, 1, 0), r#"{"b": 1.50, "a": [], "a": [-2E+3, {}, null]}"#);
        let lines =
            "{\n\t\"b\": 1.50,\n\t\"a\": [],\n\t\"a\": [\n\t\t-2E+3,\n\t\t{},\n\t\tnull\n\t]\n}";
        assert_eq!(written(text, 4, 0), lines);
        assert_eq!(written(text, 2, 0), lines.replace('\t', "  "));
        assert_eq!(written(text, 3, 0), lines.replace('\t', "    "));
    }

    #[test]
    fn finds_the_spellings_that_differ() {
        for (text, expected) in [
            (r#"{"a":1}"#, 1),
            // In a text that is pure ASCII, PHP's two spellings of a slash give the same result.
            (r#"{"a":"/"}"#, 2),
            (r#"{"a":"é"}"#, 3),
            (r#"{"a":"é/"}"#, 5),
            (r#"{"a":"\"é/<="}"#, 8),
        ] {
            assert_eq!(
                distinct_spellings(text.as_bytes(), SPELLINGS.len()).len(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn ends_on_text_that_is_not_json() {
        for text in [
            &b"\"\\"[..],
            b"\"\\u12",
            b"\"\\ud800\\",
            b"\"\xf0\x9f",
            b"\"\xff\x80",
            b"]]}",
            b"\"",
            b"-",
            b":1",
        ] {
            for spelling in &SPELLINGS {
                let mut out = Vec::new();
                write(text, &STYLES[0], spelling, &mut keep, &mut out);
                assert!(out.len() < 20, "{out:?}");
            }
        }
    }

    #[test]
    fn bounds_the_length() {
        for text in ["[".repeat(1 << 16), "]".repeat(1 << 16), ",".repeat(1 << 18)] {
            for style in 0..STYLES.len() {
                assert!(written(&text, style, 0).len() <= 2 * MAX_BYTES);
            }
        }
    }
}
