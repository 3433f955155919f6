use percent_encoding::percent_decode;

use crate::{BLANKS, Cause, Undo, base64, characters, json, trimmed};

/// How many bytes of a key are searched for the end of an HTML character reference. The longest is `#x0010ffff;`.
const MAX_REFERENCE_BYTES: usize = 11;

/// The mistakes that may have changed a key.
///
/// No function may write more than [`room`] bytes: a growing vector would leave a copy of the key behind.
pub(crate) const UNDOS: [Undo; 14] = [
    // Must come before invisible characters, because the zeros of UTF-16 count as such.
    (Cause::KeyCharset, characters::write_from_utf16),
    (Cause::KeyWhitespace, |key, out| out.extend_from_slice(trimmed(key, BLANKS))),
    (Cause::KeyInvisible, |key, out| write_trimmed(key, characters::is_invisible, out)),
    (Cause::KeyInvisible, |key, out| {
        write_mapped(
            key,
            |character| (!characters::is_invisible(character)).then_some(character),
            out,
        );
    }),
    // A page that shows a key may have written its blanks as no-break spaces.
    (Cause::KeyInvisible, |key, out| {
        write_mapped(
            key,
            |character| Some(if character == '\u{a0}' { ' ' } else { character }),
            out,
        );
    }),
    (Cause::KeyQuoted, |key, out| write_trimmed(key, may_surround, out)),
    (Cause::KeyAssignment, |key, out| write_trimmed(assigned_value(key), may_surround, out)),
    (Cause::KeyEscaped, write_without_html),
    (Cause::KeyEscaped, |key, out| out.extend(percent_decode(key))),
    (Cause::KeyEscaped, |key, out| json::write_content(key, out)),
    (Cause::KeyDecoded, |key, out| {
        out.resize(key.len().saturating_mul(2), 0);
        if hex::encode_to_slice(key, out).is_err() {
            out.clear();
        }
    }),
    (Cause::KeyDecoded, base64::encode),
    // The output of a program such as `base64` ends in a newline.
    (Cause::KeyEncoded, |key, out| {
        let digits = trimmed(key, BLANKS);
        out.resize(digits.len() / 2, 0);
        if hex::decode_to_slice(digits, out).is_err() {
            out.clear();
        }
    }),
    (Cause::KeyEncoded, |key, out| base64::decode(trimmed(key, BLANKS), out)),
];

/// Returns the most bytes that one of [`UNDOS`] writes: hex, or base64 with its padding.
pub(crate) const fn room(key: &[u8]) -> usize {
    key.len().saturating_mul(2).saturating_add(4)
}

/// Returns a key as text; the text is empty if the key is not UTF-8.
fn text(key: &[u8]) -> &str {
    core::str::from_utf8(key).unwrap_or_default()
}

fn write_mapped(key: &[u8], map: fn(char) -> Option<char>, out: &mut Vec<u8>) {
    for character in text(key).chars().filter_map(map) {
        characters::write(character, out);
    }
}

fn write_trimmed(key: &[u8], removed: fn(char) -> bool, out: &mut Vec<u8>) {
    out.extend_from_slice(text(key).trim_matches(removed).as_bytes());
}

/// Returns whether a character may surround a key in a settings file or in a text.
fn may_surround(character: char) -> bool {
    characters::is_invisible(character) || characters::is_quote(character) || character == ';'
}

/// Returns the value of an assignment: the text after a name and `=` or `:`, as shells, PowerShell and YAML write it.
/// Returns an empty value if the name is absent.
fn assigned_value(key: &[u8]) -> &[u8] {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. \"'".contains(byte);
    let key = key.strip_prefix(b"$env:").unwrap_or(key);
    let end = key.iter().position(|byte| matches!(byte, b'=' | b':')).unwrap_or(0);
    match key.split_at_checked(end) {
        Some((name @ [_, ..], [_, value @ ..])) if name.iter().all(is_name) => value,
        _ => b"",
    }
}

/// Resolves HTML character references: the five of XML, the no-break space, and all numeric ones.
fn write_without_html(mut key: &[u8], out: &mut Vec<u8>) {
    while let [first, rest @ ..] = key {
        let reference = if *first == b'&' { read_reference(rest) } else { None };
        if let Some((character, rest)) = reference {
            characters::write(character, out);
            key = rest;
        } else {
            out.push(*first);
            key = rest;
        }
    }
}

/// Reads a reference from after its `&`. Returns the character and the rest of the text.
fn read_reference(text: &[u8]) -> Option<(char, &[u8])> {
    let length = text.iter().take(MAX_REFERENCE_BYTES).position(|byte| *byte == b';')?;
    let (name, rest) = text.split_at_checked(length)?;
    let character = match name {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        b"nbsp" => '\u{a0}',
        _ => {
            let number = core::str::from_utf8(name).ok()?.strip_prefix('#')?;
            let digits = number.strip_prefix(['x', 'X']);
            let radix = if digits.is_some() { 16 } else { 10 };
            char::from_u32(u32::from_str_radix(digits.unwrap_or(number), radix).ok()?)?
        }
    };
    Some((character, rest.strip_prefix(b";")?))
}

/// Returns the reason why a number of keys is rejected: 1 means that the key is empty.
pub(crate) fn problem(keys: usize) -> String {
    match keys {
        0 => "No key was given.".to_owned(),
        1 => "The key is empty.".to_owned(),
        _ => [&keys.to_string(), " keys were given, but at most 4 can be used."].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the output of the functions for a cause.
    fn originals(cause: Cause, key: &str) -> Vec<String> {
        let undos = UNDOS.iter().filter(|(its, _)| *its == cause);
        undos
            .map(|(_, undo)| {
                let mut out = Vec::new();
                undo(key.as_bytes(), &mut out);
                String::from_utf8(out).unwrap()
            })
            .collect()
    }

    #[test]
    fn no_key_outgrows_the_room_reserved_for_it() {
        let pieces =
            ["a", "\0a", "é", "\u{a0}", "&lt;", "&#128;", "%41", "\\u0080", "\\ud83d\\ude00", "="];
        for piece in pieces {
            for length in 0..=40 {
                let key = piece.repeat(length).into_bytes();
                for (cause, undo) in UNDOS {
                    let mut out = Vec::with_capacity(room(&key));
                    let reserved = out.capacity();
                    undo(&key, &mut out);
                    assert_eq!(out.capacity(), reserved, "{cause:?} of {length} times {piece:?}");
                }
            }
        }
    }

    #[test]
    fn reads_the_value_of_an_assignment() {
        for (line, value) in [
            ("NAME=key", "key"),
            ("export NAME=\"key\"\n", "key"),
            ("set NAME=key", "key"),
            ("$env:NAME = 'key'", "key"),
            ("NAME = 'key';", "key"),
            ("\"name\": \"key\"", "key"),
            ("NAME=a=b", "a=b"),
            ("=key", ""),
            ("a/b=key", ""),
            ("key", ""),
            ("", ""),
        ] {
            assert_eq!(originals(Cause::KeyAssignment, line), [value], "{line}");
        }
    }

    #[test]
    fn resolves_references_of_html() {
        for (text, resolved) in [
            ("a&amp;b&lt;&gt;&quot;&apos;&nbsp;", "a&b<>\"'\u{a0}"),
            ("&#39;&#x27;&#X27;&#128512;", "'''😀"),
            ("&amp;lt;", "&lt;"),
            ("&;&#;&#x;&#xd800;&#1114112;&other;&amp", "&;&#;&#x;&#xd800;&#1114112;&other;&amp"),
        ] {
            assert_eq!(originals(Cause::KeyEscaped, text)[0], resolved, "{text}");
        }
    }
}
