use serde::Serialize;

/// How many bytes of each body are shown.
const SHOWN: usize = 16;

/// Shows where a body differs from the signed one.
///
/// The bytes are shown as text: printable ASCII as it is, `\r`, `\n` and `\t` as these escapes, a backslash
/// as `\\`, and each other byte as `\x` and two lowercase hex digits.
///
/// ```
/// use walnut_webhooks::Key;
/// use walnut_webhooks_explain::explain;
///
/// let header = Key::new("opensesame")?.sign(b"{\"event\":\r\n\"e\"}").to_string();
///
/// let explanation = explain(&["opensesame"], b"{\"event\":\n\"e\"}", Some(header.as_bytes()), []);
/// let difference = explanation.difference.unwrap();
/// assert_eq!(difference.at, 9);
/// assert_eq!(difference.received, r#"\n"e"}"#);
/// assert_eq!(difference.signed, r#"\r\n"e"}"#);
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// The offset of the first byte that differs.
    pub at: usize,
    /// Up to 16 bytes of the received body from that offset; empty if the body ends there.
    pub received: String,
    /// Up to 16 bytes of the signed body from that offset; empty if the body ends there.
    pub signed: String,
}

impl Difference {
    pub(crate) fn between(received: &[u8], signed: &[u8]) -> Self {
        let at = received.iter().zip(signed).take_while(|(one, other)| one == other).count();
        let shown = |body: &[u8]| visible(body.get(at..).unwrap_or_default());
        Self { at, received: shown(received), signed: shown(signed) }
    }
}

fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        match byte {
            b'\t' => text.push_str(r"\t"),
            b'\n' => text.push_str(r"\n"),
            b'\r' => text.push_str(r"\r"),
            b'\\' => text.push_str(r"\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => {
                text.push_str(r"\x");
                text.push_str(&hex::encode([*other]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_byte() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                b'\t' => r"\t".to_owned(),
                b'\n' => r"\n".to_owned(),
                b'\r' => r"\r".to_owned(),
                b'\\' => r"\\".to_owned(),
                0x20..=0x7e => char::from(byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            };
            assert_eq!(visible(&[byte]), expected);
        }
    }

    #[test]
    fn shows_16_bytes_from_the_first_difference() {
        for (received, signed, at, shown, shown_signed) in [
            (&b"abc"[..], &b"abd"[..], 2, "c", "d"),
            (b"abc", b"xbc", 0, "abc", "xbc"),
            (b"ab", b"abc", 2, "", "c"),
            (b"abc", b"ab", 2, "c", ""),
            (b"", b"a", 0, "", "a"),
            (b"a0123456789abcdef", b"a123456789abcdef0", 1, "0123456789abcdef", "123456789abcdef0"),
            (b"0123456789abcdefg", b"123456789abcdefgh", 0, "0123456789abcdef", "123456789abcdefg"),
        ] {
            let expected = Difference { at, received: shown.into(), signed: shown_signed.into() };
            assert_eq!(Difference::between(received, signed), expected);
        }
    }
}
