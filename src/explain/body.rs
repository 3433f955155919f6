use core::ops::ControlFlow;

use super::json::{self, ESCAPES, LAYOUTS};
use super::{Cause, Check, Undo, base64};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bodies that may have become the one at hand; what does not apply is empty. First stands the body
/// itself, since with each of these the newlines that it may have lost are tried.
const ORIGINALS: [Undo<Vec<u8>>; 13] = [
    (Cause::BodyWhitespace, <[u8]>::to_vec),
    (Cause::BodyWhitespace, |body| body.trim_ascii().to_vec()),
    (Cause::BodyByteOrderMark, |body| unmarked(body).to_vec()),
    (Cause::BodyByteOrderMark, |body| [BYTE_ORDER_MARK, body].concat()),
    (Cause::BodyLineEndings, unix),
    (Cause::BodyLineEndings, dos),
    (Cause::BodyEncoding, from_latin1),
    (Cause::BodyEncoding, to_latin1),
    (Cause::BodyBase64, |body| base64::decode(body.trim_ascii()).to_vec()),
    (Cause::BodyFormEncoded, form),
    // All of it may have become a name without a value, or the value of a name.
    (Cause::BodyFormEncoded, |body| form(body).strip_suffix(b"=").unwrap_or_default().to_vec()),
    (Cause::BodyFormEncoded, |body| {
        form(body).into_iter().skip_while(|byte| *byte != b'=').skip(1).collect()
    }),
    (Cause::BodyJsonString, |body| {
        let units = json::unquoted(text(body)).unwrap_or_default();
        String::from_utf16(&units).unwrap_or_default().into_bytes()
    }),
];

/// Tries the bodies that may have become this one.
pub(super) fn originals(body: &[u8], check: &mut Check<'_>) -> ControlFlow<Cause> {
    for (cause, original) in ORIGINALS {
        check(cause, &original(body))?;
    }
    rewritten(text(body), check)
}

fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

fn text(body: &[u8]) -> &str {
    str::from_utf8(unmarked(body)).unwrap_or_default().trim_ascii()
}

fn each(body: &[u8], write: fn(u8, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in body {
        write(*byte, &mut out);
    }
    out
}

fn unix(body: &[u8]) -> Vec<u8> {
    each(body, |byte, out| {
        if byte != b'\r' {
            out.push(byte);
        }
    })
}

fn dos(body: &[u8]) -> Vec<u8> {
    each(&unix(body), |byte, out| {
        if byte == b'\n' {
            out.push(b'\r');
        }
        out.push(byte);
    })
}

fn from_latin1(body: &[u8]) -> Vec<u8> {
    each(body, |byte, out| {
        if byte.is_ascii() {
            out.push(byte);
        } else {
            out.extend([0xc0 | (byte >> 6), 0x80 | (byte & 0x3f)]);
        }
    })
}

fn to_latin1(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for char in text(body).chars() {
        match u8::try_from(char) {
            Ok(byte) => out.push(byte),
            Err(_) => return Vec::new(),
        }
    }
    out
}

/// Decodes the percent encoding, and a form's blanks.
fn form(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body.trim_ascii();
    if !rest.contains(&b'%') {
        return out;
    }
    while let [first, others @ ..] = rest {
        rest = others;
        let mut byte = [if *first == b'+' { b' ' } else { *first }];
        if *first == b'%'
            && let Some((digits, after)) = others.split_at_checked(2)
            && hex::decode_to_slice(digits, &mut byte).is_ok()
        {
            rest = after;
        }
        out.extend(byte);
    }
    out
}

fn rewritten(text: &str, check: &mut Check<'_>) -> ControlFlow<Cause> {
    let mut texts = vec![text.to_owned()];
    for escapes in &ESCAPES {
        let other = json::reescaped(text, escapes);
        if !texts.contains(&other) {
            texts.push(other);
        }
    }
    let mut cause = Cause::BodyReformatted;
    for text in &texts {
        check(cause, text.as_bytes())?;
        for layout in &LAYOUTS {
            if let Some(other) = json::reformatted(text, layout) {
                check(cause, other.as_bytes())?;
            }
        }
        cause = Cause::BodyReescaped;
    }
    ControlFlow::Continue(())
}

/// Says what probably happened to a body whose original can't be had again.
pub(super) fn likely(body: &[u8]) -> Option<Cause> {
    match body.trim_ascii() {
        b"" | b"{}" | b"null" | b"undefined" => Some(Cause::BodyEmpty),
        b"[object Object]" => Some(Cause::BodyObjectText),
        _ => text(body)
            .chars()
            .any(|char| char == char::REPLACEMENT_CHARACTER)
            .then_some(Cause::BodyReplacementCharacters),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bodies_tried_are_bounded() {
        // Each way of escaping differs, and each of the other mistakes applies.
        let mut tried = 0;
        let body = "{\"a\":\"\\u0041/é\u{1}%20\",\r\n\"b\":1}".as_bytes();
        let none = originals(body, &mut |_, _| {
            tried += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((none, tried), (ControlFlow::Continue(()), 48));
    }
}
