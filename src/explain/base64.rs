//! Base64 as others may have written it: RFC 4648, of either alphabet, padded or not.

use zeroize::Zeroizing;

pub(super) const STANDARD: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const URL: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> Zeroizing<Vec<u8>> {
    // With room for all, so that no copy of a key is left behind by growing.
    let room = bytes.len().saturating_mul(2).saturating_add(4);
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let mut group: u32 = 0;
    let mut bits: u32 = 0;
    let push = |six: u32, text: &mut Vec<u8>| {
        text.extend(usize::try_from(six & 63).ok().and_then(|six| alphabet.get(six)));
    };
    for byte in bytes {
        group = (group << 8) | u32::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 6 {
            bits = bits.saturating_sub(6);
            push(group.wrapping_shr(bits), &mut text);
        }
    }
    if bits > 0 {
        push(group.wrapping_shl(6_u32.saturating_sub(bits)), &mut text);
    }
    while padded && !text.len().is_multiple_of(4) {
        text.push(b'=');
    }
    text
}

/// Decodes either alphabet, padded or not; nothing where a character is none of it.
pub(super) fn decode(mut text: &[u8]) -> Zeroizing<Vec<u8>> {
    while let [digits @ .., b'='] = text {
        text = digits;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut group: u32 = 0;
    let mut bits: u32 = 0;
    for digit in text {
        let Some(six) = value(*digit, STANDARD).or_else(|| value(*digit, URL)) else {
            return Zeroizing::default();
        };
        group = (group << 6) | six;
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            let [.., byte] = group.wrapping_shr(bits).to_be_bytes();
            bytes.push(byte);
        }
    }
    bytes
}

fn value(digit: u8, alphabet: &[u8; 64]) -> Option<u32> {
    alphabet.iter().position(|other| *other == digit)?.try_into().ok()
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
