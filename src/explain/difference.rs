use core::slice;

use crate::hex;

/// How much of either body is shown, in bytes.
const SHOWN: usize = 16;

/// Where a body differs from the one that was signed, for a person who looks for the place.
///
/// The bytes are shown as text: printable ASCII as it stands, `\r`, `\n` and `\t` so escaped, a backslash
/// as `\\`, and each other byte as `\x` and two lowercase hex digits.
///
/// ```
/// use walnut_webhooks::{Key, explain};
///
/// let header = Key::new("opensesame")?.sign(b"{\"event\":\r\n\"e\"}").to_string();
///
/// let explanation = explain(&["opensesame"], b"{\"event\":\n\"e\"}", &header, []);
/// let difference = explanation.difference.unwrap();
/// assert_eq!(difference.at, 9);
/// assert_eq!(difference.found, r#"\n"e"}"#);
/// assert_eq!(difference.meant, r#"\r\n"e"}"#);
/// # Ok::<(), walnut_webhooks::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// How many bytes stand before the first one that differs.
    pub at: usize,
    /// Up to 16 bytes from there on of the body at hand; empty where it ends there.
    pub found: String,
    /// Up to 16 bytes from there on of the body that was signed; empty where it ends there.
    pub meant: String,
}

impl Difference {
    pub(super) fn between(body: &[u8], signed: &[u8]) -> Self {
        let at = body.iter().zip(signed).take_while(|(found, meant)| found == meant).count();
        let [found, meant] = [body, signed].map(|body| visible(body.get(at..).unwrap_or_default()));
        Self { at, found, meant }
    }
}

fn visible(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        let shown: &[u8] = match byte {
            b'\t' => br"\t",
            b'\n' => br"\n",
            b'\r' => br"\r",
            b'\\' => br"\\",
            b' '..=b'~' => slice::from_ref(byte),
            other => {
                let [high, low] = hex::digits(*other);
                &[b'\\', b'x', high, low]
            }
        };
        text.extend(shown.iter().copied().map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_visible() {
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
    fn what_is_shown_begins_with_what_differs_and_has_an_end() {
        for (body, signed, at, found, meant) in [
            (&b"abc"[..], &b"abd"[..], 2, "c", "d"),
            (b"abc", b"xbc", 0, "abc", "xbc"),
            (b"ab", b"abc", 2, "", "c"),
            (b"abc", b"ab", 2, "c", ""),
            (b"", b"a", 0, "", "a"),
            (b"a0123456789abcdef", b"a123456789abcdef0", 1, "0123456789abcdef", "123456789abcdef0"),
            (b"0123456789abcdefg", b"123456789abcdefgh", 0, "0123456789abcdef", "123456789abcdefg"),
        ] {
            let expected = Difference { at, found: found.into(), meant: meant.into() };
            assert_eq!(Difference::between(body, signed), expected);
        }
    }
}
