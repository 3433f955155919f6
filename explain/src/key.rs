use crate::{BLANKS, Cause, Undo, base64, trimmed};

/// The keys that a wrong key may stand for.
pub(crate) const MEANT: [Undo; 6] = [
    (Cause::KeyWhitespace, |key, out| out.extend_from_slice(trimmed(key, BLANKS))),
    (Cause::KeyQuoted, |key, out| out.extend_from_slice(trimmed(key, b" \t\r\n\"'`"))),
    (Cause::KeyDecoded, |key, out| {
        out.resize(key.len().saturating_mul(2), 0);
        if hex::encode_to_slice(key, out).is_err() {
            out.clear();
        }
    }),
    (Cause::KeyDecoded, base64::encode),
    (Cause::KeyEncoded, |key, out| {
        out.resize(key.len() / 2, 0);
        if hex::decode_to_slice(key, out).is_err() {
            out.clear();
        }
    }),
    (Cause::KeyEncoded, base64::decode),
];

/// Returns the most bytes that one of [`MEANT`] writes: hex, or base64 with its padding.
pub(crate) const fn room(key: &[u8]) -> usize {
    key.len().saturating_mul(2).saturating_add(4)
}

/// Says why a number of keys is rejected: 1 means that the key is empty.
pub(crate) fn problem(keys: usize) -> String {
    match keys {
        0 => "No key was given.".to_owned(),
        1 => "The key is empty.".to_owned(),
        _ => [&keys.to_string(), " keys were given, but at most 4 can be used."].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_outgrows_the_room_reserved_for_it() {
        for length in 0..=100 {
            let key = vec![b'a'; length];
            for (cause, undo) in MEANT {
                let mut out = Vec::with_capacity(room(&key));
                undo(&key, &mut out);
                assert!(out.len() <= room(&key), "{cause:?} of {length} bytes takes {}", out.len());
            }
        }
    }
}
