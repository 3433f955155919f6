use super::{BLANKS, Cause, Undo, bare, base64};
use crate::hex;

/// The keys that may have been meant by one that is wrong.
pub(super) const MEANT: [Undo; 6] = [
    (Cause::KeyWhitespace, |key, out| out.extend_from_slice(bare(key, BLANKS))),
    (Cause::KeyQuoted, |key, out| out.extend_from_slice(bare(key, b" \t\r\n\"'`"))),
    (Cause::KeyDecoded, |key, out| {
        out.extend(key.iter().flat_map(|byte| hex::digits(*byte)));
    }),
    (Cause::KeyDecoded, base64::encode),
    (Cause::KeyEncoded, |key, out| {
        // Of what is no hex comes some key or other, which signs nothing that was sent.
        out.resize(key.len() / 2, 0);
        hex::decode(key, out);
    }),
    (Cause::KeyEncoded, base64::decode),
];

/// How much room the longest of them takes, in bytes: hex, or the padding of base64.
pub(super) const fn room(key: &[u8]) -> usize {
    key.len().saturating_mul(2).saturating_add(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_each() {
        for length in 0..=100 {
            let key = vec![b'a'; length];
            for (cause, undo) in MEANT {
                let mut out = Vec::new();
                undo(&key, &mut out);
                assert!(out.len() <= room(&key), "{cause:?} of {length} bytes takes {}", out.len());
            }
        }
    }
}
