//! Base64 as senders write it (RFC 4648): in the standard or the URL-safe alphabet, padded or not.

use base64ct::{Base64, Base64Unpadded, Encoding};

use crate::trimmed;

/// Writes base64 in the standard alphabet, padded.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.resize(Base64::encoded_len(bytes), 0);
    if Base64::encode(bytes, out).is_err() {
        out.clear();
    }
}

/// Reads base64 in either alphabet, padded or not. Writes nothing if the text is not base64.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) {
    out.extend(trimmed(text, b"=").iter().map(|digit| match digit {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    }));
    let length = Base64Unpadded::decode_in_place(out).map_or(0, <[u8]>::len);
    out.truncate(length);
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
    fn reads_padding_or_none() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(encoded(bytes.as_bytes()), text.as_bytes());
            assert_eq!(decoded(text), bytes.as_bytes());
            assert_eq!(decoded(text.trim_end_matches('=')), bytes.as_bytes());
        }
    }

    #[test]
    fn reads_either_alphabet_and_nothing_else() {
        assert_eq!(encoded(b"\xfb\xff\xfe"), b"+//+");
        assert_eq!(decoded("+//+"), b"\xfb\xff\xfe");
        assert_eq!(decoded("-__-"), b"\xfb\xff\xfe");
        for text in ["Zm9v!", "Zm 9v", "Z=m9v", "Zm9\u{fd}"] {
            assert!(decoded(text).is_empty(), "{text}");
        }
    }
}
