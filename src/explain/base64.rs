//! Base64 as others may have written it: RFC 4648.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes the standard alphabet, padded.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    let mut group: usize = 0;
    let mut bits: u32 = 0;
    for byte in bytes {
        group = (group << 8) | usize::from(*byte);
        bits = bits.saturating_add(8);
        while bits >= 6 {
            bits = bits.saturating_sub(6);
            out.extend(ALPHABET.get(group.wrapping_shr(bits) & 63));
        }
    }
    if bits > 0 {
        out.extend(ALPHABET.get((group << 6).wrapping_shr(bits) & 63));
    }
    while !out.len().is_multiple_of(4) {
        out.push(b'=');
    }
}

/// Reads either alphabet, padded or not; nothing where a character is none of it.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) {
    let mut group: usize = 0;
    let mut bits: u32 = 0;
    for byte in text {
        let digit = match byte {
            b'-' => b'+',
            b'_' => b'/',
            b'=' => break,
            other => *other,
        };
        let Some(six) = ALPHABET.iter().position(|other| *other == digit) else {
            return out.clear();
        };
        group = (group << 6) | six;
        bits = bits.saturating_add(6);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            let [byte, ..] = group.wrapping_shr(bits).to_le_bytes();
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        out
    }

    fn decoded(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out);
        out
    }

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
            assert_eq!(encoded(bytes.as_bytes()), text.as_bytes());
            assert_eq!(decoded(text), bytes.as_bytes());
            assert_eq!(decoded(text.trim_end_matches('=')), bytes.as_bytes());
        }
    }

    #[test]
    fn either_alphabet_is_read_and_nothing_else() {
        assert_eq!(encoded(b"\xfb\xff\xfe"), b"+//+");
        assert_eq!(decoded("+//+"), b"\xfb\xff\xfe");
        assert_eq!(decoded("-__-"), b"\xfb\xff\xfe");
        for text in ["Zm9v!", "Zm 9v", "=Zm9v", "Zm9\u{fd}"] {
            assert!(decoded(text).is_empty(), "{text}");
        }
    }
}
