use crate::{BLANKS, Cause, Undo, base64, characters, json, trimmed};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The first bytes of a compressed body: gzip (RFC 1952), zlib (RFC 1950, in its four levels) and Zstandard (RFC 8878).
/// Brotli has no such bytes.
const COMPRESSED: [&[u8]; 6] =
    [b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x28\xb5\x2f\xfd"];

/// The mistakes that may have changed a body, apart from rewritten JSON. The unchanged body comes first, because each
/// function's output is also tried with a newline at its end: the body may only have lost its newline.
pub(crate) const UNDOS: [Undo; 13] = [
    (Cause::BodyWhitespace, |body, out| out.extend_from_slice(body)),
    (Cause::BodyWhitespace, |body, out| out.extend_from_slice(trimmed(body, BLANKS))),
    (Cause::BodyByteOrderMark, |body, out| {
        out.extend_from_slice(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or_default());
    }),
    (Cause::BodyByteOrderMark, |body, out| {
        out.extend_from_slice(BYTE_ORDER_MARK);
        out.extend_from_slice(body);
    }),
    (Cause::BodyLineEndings, |body, out| write_lines(body, b"\n", out)),
    (Cause::BodyLineEndings, |body, out| write_lines(body, b"\r\n", out)),
    (Cause::BodyBase64, |body, out| base64::decode(trimmed(body, BLANKS), out)),
    (Cause::BodyEncodedTwice, |body, out| {
        let content =
            trimmed(body, BLANKS).strip_prefix(b"\"").and_then(|body| body.strip_suffix(b"\""));
        json::write_content(content.unwrap_or_default(), out);
    }),
    (Cause::BodyEncodedTwice, |body, out| json::write_as_string(body, &json::SPELLINGS[0], out)),
    (Cause::BodyEncodedTwice, |body, out| json::write_as_string(body, &json::SPELLINGS[1], out)),
    (Cause::BodyCharset, characters::write_from_utf16),
    (Cause::BodyCharset, characters::write_from_latin1),
    (Cause::BodyCharset, characters::write_as_latin1),
];

fn write_lines(body: &[u8], end: &[u8], out: &mut Vec<u8>) {
    for byte in body {
        match byte {
            b'\r' => {}
            b'\n' => out.extend_from_slice(end),
            other => out.push(*other),
        }
    }
}

/// Returns the likely cause for a body whose original cannot be calculated. `has_encoding` is whether the request's
/// headers name a content encoding.
pub(crate) fn likely_cause(body: &[u8], has_encoding: bool) -> Cause {
    let text = trimmed(body, BLANKS);
    let is_binary = core::str::from_utf8(body).is_err();
    if text.is_empty() || text == b"{}" {
        Cause::BodyEmpty
    } else if text == b"[object Object]" {
        Cause::BodyObjectText
    } else if COMPRESSED.iter().any(|start| body.starts_with(start)) || is_binary && has_encoding {
        Cause::BodyCompressed
    } else if characters::utf16_order(body).is_some() {
        Cause::BodyCharset
    } else if text.windows(3).any(|three| three == "\u{fffd}".as_bytes()) {
        Cause::BodyReplacementCharacters
    } else if has_encoding {
        Cause::BodyDecompressed
    } else {
        Cause::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_a_compressed_body_by_its_first_bytes_or_its_header() {
        for start in [&b"\x1f\x8b\x08\0\0"[..], b"\x78\x9c\xab", b"\x28\xb5\x2f\xfd\x04"] {
            assert_eq!(likely_cause(start, false), Cause::BodyCompressed);
            assert_eq!(likely_cause(start, true), Cause::BodyCompressed);
        }
        // Brotli can be recognized by the header only.
        assert_eq!(likely_cause(b"\x8b\x06\x80{}\x03", false), Cause::Unknown);
        assert_eq!(likely_cause(b"\x8b\x06\x80{}\x03", true), Cause::BodyCompressed);
    }

    #[test]
    fn recognizes_a_body_that_was_decompressed() {
        assert_eq!(likely_cause(b"{\"event\":\"e\"}", false), Cause::Unknown);
        assert_eq!(likely_cause(b"{\"event\":\"e\"}", true), Cause::BodyDecompressed);
        assert_eq!(likely_cause(b"", true), Cause::BodyEmpty);
    }
}
