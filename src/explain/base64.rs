//! Base64 as others may have written it: RFC 4648, of either alphabet, padded or not.

use zeroize::Zeroizing;

pub(super) const STANDARD: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const URL: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> Zeroizing<Vec<u8>> {
    // With room for all, so that no copy of a key is left behind by growing.
    let mut text =
        Zeroizing::new(Vec::with_capacity(bytes.len().saturating_mul(2).saturating_add(4)));
    for chunk in bytes.chunks(3) {
        let mut group: u32 = 0;
        for nth in 0..3 {
            group = (group << 8) | u32::from(chunk.get(nth).copied().unwrap_or_default());
        }
        for nth in 0..4 {
            group = group.rotate_left(if nth == 0 { 14 } else { 6 });
            if nth <= chunk.len() {
                let digit = usize::try_from(group & 63).unwrap_or_default();
                text.extend(alphabet.get(digit));
            } else if padded {
                text.push(b'=');
            }
        }
    }
    text
}

/// Decodes either alphabet, padded or not; nothing where a character is none of it.
pub(super) fn decode(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for chunk in unpadded(text).chunks(4) {
        let mut group: u32 = 0;
        for nth in 0..4 {
            let Some(digit) = chunk.get(nth).map_or(Some(0), |digit| value(*digit)) else {
                return Zeroizing::default();
            };
            group = (group << 6) | digit;
        }
        let [_, decoded @ ..] = group.to_be_bytes();
        bytes.extend(decoded.iter().take(chunk.len().saturating_sub(1)));
    }
    bytes
}

fn unpadded(mut text: &[u8]) -> &[u8] {
    while let [digits @ .., b'='] = text {
        text = digits;
    }
    text
}

fn value(digit: u8) -> Option<u32> {
    let place = |alphabet: &[u8; 64]| alphabet.iter().position(|other| *other == digit);
    u32::try_from(place(STANDARD).or_else(|| place(URL))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let unpadded = text.trim_end_matches('=');
            assert_eq!(*encode(bytes.as_bytes(), STANDARD, true), text.as_bytes());
            assert_eq!(*encode(bytes.as_bytes(), URL, false), unpadded.as_bytes());
            assert_eq!(*decode(text.as_bytes()), bytes.as_bytes());
            assert_eq!(*decode(unpadded.as_bytes()), bytes.as_bytes());
        }
    }

    #[test]
    fn either_alphabet_is_read_and_nothing_else() {
        assert_eq!(*encode(b"\xfb\xff\xfe", STANDARD, true), b"+//+");
        assert_eq!(*encode(b"\xfb\xff\xfe", URL, true), b"-__-");
        assert_eq!(*decode(b"+//+"), b"\xfb\xff\xfe");
        assert_eq!(*decode(b"-__-"), b"\xfb\xff\xfe");
        for text in ["Zm9v!", "Zm 9v", "=Zm9v", "Zm9\u{fd}"] {
            assert!(decode(text.as_bytes()).is_empty(), "{text}");
        }
    }
}
