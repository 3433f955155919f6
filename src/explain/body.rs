use super::{BLANKS, Cause, Undo, bare, base64};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The bodies that may have become the one at hand, but for its JSON. First stands the body itself, since
/// with each of these the newlines that it may have lost are tried.
pub(super) const ORIGINALS: [Undo; 7] = [
    (Cause::BodyWhitespace, |body, out| out.extend_from_slice(body)),
    (Cause::BodyWhitespace, |body, out| out.extend_from_slice(bare(body, BLANKS))),
    (Cause::BodyByteOrderMark, |body, out| {
        out.extend_from_slice(body.strip_prefix(BYTE_ORDER_MARK).unwrap_or_default());
    }),
    (Cause::BodyByteOrderMark, |body, out| {
        out.extend_from_slice(BYTE_ORDER_MARK);
        out.extend_from_slice(body);
    }),
    (Cause::BodyLineEndings, |body, out| lines(body, b"\n", out)),
    (Cause::BodyLineEndings, |body, out| lines(body, b"\r\n", out)),
    (Cause::BodyBase64, |body, out| base64::decode(bare(body, BLANKS), out)),
];

fn lines(body: &[u8], end: &[u8], out: &mut Vec<u8>) {
    for byte in body {
        match byte {
            b'\r' => {}
            b'\n' => out.extend_from_slice(end),
            other => out.push(*other),
        }
    }
}

/// Says what probably happened to a body whose original can't be had again.
pub(super) fn likely(body: &[u8]) -> Cause {
    match bare(body, BLANKS) {
        b"" | b"{}" => Cause::BodyEmpty,
        b"[object Object]" => Cause::BodyObjectText,
        text if text.windows(3).any(|three| three == "\u{fffd}".as_bytes()) => {
            Cause::BodyReplacementCharacters
        }
        _ => Cause::Unknown,
    }
}
