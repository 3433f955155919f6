use zeroize::Zeroizing;

use super::{Cause, Undo, base64};

/// What copies a key is wiped.
type Bytes = Zeroizing<Vec<u8>>;

/// The keys that may have been meant by one that is wrong; what does not apply is empty.
pub(super) const MEANT: [Undo<Bytes>; 15] = [
    (Cause::KeyWhitespace, |key| copy(key.trim_ascii())),
    (Cause::KeyEscapedNewline, |key| copy(bare(key))),
    (Cause::KeyAssignment, |key| copy(assigned(key))),
    (Cause::KeyQuoted, |key| copy(unquoted(bare(key)))),
    (Cause::KeyQuoted, |key| copy(unquoted(assigned(key)))),
    (Cause::KeyPrefix, |key| copy(bare(key).strip_prefix(PREFIX).unwrap_or_default())),
    (Cause::KeyPrefix, |key| Zeroizing::new([PREFIX, bare(key)].concat())),
    (Cause::KeyDecoded, to_hex),
    (Cause::KeyDecoded, |key| {
        let mut digits = to_hex(key);
        digits.make_ascii_uppercase();
        digits
    }),
    (Cause::KeyDecoded, |key| base64::encode(key, base64::STANDARD, false)),
    (Cause::KeyDecoded, |key| base64::encode(key, base64::STANDARD, true)),
    (Cause::KeyDecoded, |key| base64::encode(key, base64::URL, false)),
    (Cause::KeyDecoded, |key| base64::encode(key, base64::URL, true)),
    // Trimmed, since `echo key | base64` encodes a newline too.
    (Cause::KeyEncoded, |key| copy(from_hex(key).trim_ascii())),
    (Cause::KeyEncoded, |key| copy(base64::decode(bare(key)).trim_ascii())),
];

/// The prefix that other services' keys have.
const PREFIX: &[u8] = b"whsec_";

fn copy(key: &[u8]) -> Bytes {
    Zeroizing::new(key.to_vec())
}

fn to_hex(key: &[u8]) -> Bytes {
    let mut digits = Zeroizing::new(vec![0; key.len().saturating_mul(2)]);
    // Can't fail: there is room for just as many.
    hex::encode_to_slice(key, &mut digits).map_or_else(|_| Bytes::default(), |()| digits)
}

fn from_hex(key: &[u8]) -> Bytes {
    let digits = bare(key);
    let mut key = Zeroizing::new(vec![0; digits.len() / 2]);
    hex::decode_to_slice(digits, &mut key).map_or_else(|_| Bytes::default(), |()| key)
}

/// Takes whitespace off, and newlines at the end that are spelled out.
fn bare(key: &[u8]) -> &[u8] {
    let mut key = key.trim_ascii();
    while let [rest @ .., b'\\', b'n' | b'r'] = key {
        key = rest.trim_ascii();
    }
    key
}

fn assigned(key: &[u8]) -> &[u8] {
    let name = key.iter().take_while(|byte| **byte != b'=').count();
    bare(key.get(name.saturating_add(1)..).unwrap_or_default())
}

fn unquoted(key: &[u8]) -> &[u8] {
    match key {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] | [b'`', inner @ .., b'`'] => {
            bare(inner)
        }
        _ => &[],
    }
}
