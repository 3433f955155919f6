use crate::{BLANKS, Cause, Undo, base64, trimmed};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The bodies that the one at hand may have been made from, apart from rewritten JSON. The body itself comes
/// first, because each of these is also tried with the newline that it may have lost.
pub(crate) const ORIGINALS: [Undo; 7] = [
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

/// Says what probably happened to a body whose original cannot be calculated.
pub(crate) fn likely_cause(body: &[u8]) -> Cause {
    match trimmed(body, BLANKS) {
        b"" | b"{}" => Cause::BodyEmpty,
        b"[object Object]" => Cause::BodyObjectText,
        text if text.windows(3).any(|three| three == "\u{fffd}".as_bytes()) => {
            Cause::BodyReplacementCharacters
        }
        _ => Cause::Unknown,
    }
}
