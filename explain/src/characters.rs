//! Invisible characters, and character sets other than UTF-8.

/// Returns whether a character is invisible: white space, a control or format character, a byte order mark.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
        )
}

/// Returns whether a character is a quotation mark of any language.
pub(crate) fn is_quote(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | '`' | '´' | '«' | '»' | '‘'..='‟' | '‹' | '›' | '「'..='』' | '＂' | '＇'
    )
}

/// Returns the byte order of a UTF-16 text as a function that reads one unit. Returns `None` if the text begins with
/// neither a byte order mark nor an ASCII character in UTF-16.
pub(crate) fn utf16_order(text: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match text.first_chunk()? {
        [0xff, 0xfe] | [1..=0x7f, 0] => Some(u16::from_le_bytes),
        [0xfe, 0xff] | [0, 1..=0x7f] => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// Writes a character in UTF-8.
pub(crate) fn write(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Converts a text from UTF-16 to UTF-8, without its byte order mark and the white space around it. Writes nothing if
/// the text is not UTF-16.
pub(crate) fn write_from_utf16(text: &[u8], out: &mut Vec<u8>) {
    let Some(read) = utf16_order(text) else { return };
    let (pairs, _) = text.as_chunks();
    let mut end = 0;
    for character in char::decode_utf16(pairs.iter().copied().map(read)) {
        let Ok(character) = character else { return out.clear() };
        let is_blank = is_invisible(character);
        if !is_blank || !out.is_empty() {
            write(character, out);
        }
        if !is_blank {
            end = out.len();
        }
    }
    out.truncate(end);
}

/// Converts a text from Latin-1 to UTF-8. Writes nothing if the text is UTF-8 already.
pub(crate) fn write_from_latin1(text: &[u8], out: &mut Vec<u8>) {
    if core::str::from_utf8(text).is_err() {
        for byte in text {
            write(char::from(*byte), out);
        }
    }
}

/// Writes the bytes that give this text when decoded as Latin-1. Writes nothing if there are no such bytes.
pub(crate) fn write_as_latin1(text: &[u8], out: &mut Vec<u8>) {
    let characters = core::str::from_utf8(text).unwrap_or_default().chars();
    for byte in characters.map(u8::try_from) {
        match byte {
            Ok(byte) => out.push(byte),
            Err(_) => return out.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(&[u8], &mut Vec<u8>), text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write(text, &mut out);
        out
    }

    #[test]
    fn reads_utf16_in_either_order_with_a_byte_order_mark_or_without() {
        let text = "{\"é\": \"😀\"}";
        for around in [["", ""], ["\u{feff}", "\r\n"], [" \u{feff}", ""]] {
            let units: Vec<u16> = around.join(text).encode_utf16().collect();
            for order in [u16::to_le_bytes, u16::to_be_bytes] {
                let bytes: Vec<u8> = units.iter().flat_map(|unit| order(*unit)).collect();
                assert_eq!(written(write_from_utf16, &bytes), text.as_bytes());
            }
        }
    }

    #[test]
    fn reads_nothing_but_utf16() {
        for text in [&b""[..], b"{", b"{}", b"\0\0", b"{\0\0\xd8", b"{\0\0\xd8a\0", "é".as_bytes()]
        {
            assert_eq!(written(write_from_utf16, text), b"", "{text:?}");
        }
        // Half of a surrogate pair is not a character.
        assert_eq!(written(write_from_utf16, b"{\0}\0\n"), b"{}");
    }

    #[test]
    fn reads_and_writes_latin1() {
        assert_eq!(written(write_from_latin1, b"caf\xe9"), "café".as_bytes());
        assert_eq!(written(write_from_latin1, "café".as_bytes()), b"");
        assert_eq!(written(write_as_latin1, "cafÃ©".as_bytes()), "café".as_bytes());
        assert_eq!(written(write_as_latin1, "café 😀".as_bytes()), b"");
        assert_eq!(written(write_as_latin1, b"caf\xe9"), b"");
    }

    #[test]
    fn distinguishes_invisible_characters_quotes_and_letters() {
        for character in "\u{feff}\u{a0}\u{200b}\u{200d}\u{2003}\u{3000}\u{ad}\t\n\u{0}".chars() {
            assert!(is_invisible(character), "{character:?}");
        }
        for character in "“”‘’«»„‚‹›「」\"'`".chars() {
            assert!(is_quote(character) && !is_invisible(character), "{character:?}");
        }
        for character in ('!'..='~').chain("éß漢😀".chars()) {
            assert!(!is_invisible(character), "{character:?}");
            assert_eq!(is_quote(character), "\"'`".contains(character), "{character:?}");
        }
    }
}
