//! Shared by the targets: splitting an input into parts, and an independent HMAC.

use ring::hmac;

/// An input, whose parts are read from the front. The fuzzer does not know how many parts a target reads, so a part after
/// the end is empty.
pub struct Input<'i>(&'i [u8]);

impl<'i> Input<'i> {
    #[must_use]
    pub fn new(bytes: &'i [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// Reads a part. Its length comes before it, as two bytes, the lower one first.
    pub fn part(&mut self) -> &'i [u8] {
        let length = u16::from_le_bytes([self.byte(), self.byte()]);
        let (part, rest) = self.0.split_at(self.0.len().min(length.into()));
        self.0 = rest;
        part
    }

    /// Reads one to four non-empty keys. Their number comes before them.
    pub fn keys(&mut self) -> Vec<Vec<u8>> {
        let count = self.byte() % 4 + 1;
        let key = |part: &[u8]| if part.is_empty() { b"k".to_vec() } else { part.to_vec() };
        (0..count).map(|_| key(self.part())).collect()
    }

    /// Returns the rest of the input.
    #[must_use]
    pub fn rest(self) -> &'i [u8] {
        self.0
    }
}

/// Returns the signature of a body, as Walnut writes it.
#[must_use]
pub fn sign(key: &[u8], body: &[u8]) -> String {
    hex(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), body).as_ref())
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns whether a header has the form of a signature.
#[must_use]
pub fn is_well_formed(header: &[u8]) -> bool {
    header.len() == 64 && header.iter().all(|digit| b"0123456789abcdef".contains(digit))
}

/// Returns the index of the key that must match, or the error code that a check must fail with.
///
/// # Errors
///
/// The error code.
pub fn verdict(
    keys: &[Vec<u8>],
    body: &[u8],
    header: Option<&[u8]>,
    limit: usize,
) -> Result<usize, &'static str> {
    let header = header.ok_or("missing_signature")?;
    if !is_well_formed(header) {
        return Err("malformed_signature");
    }
    if body.len() > limit {
        return Err("body_too_large");
    }
    let matches = |key: &Vec<u8>| sign(key, body).as_bytes() == header;
    keys.iter().position(matches).ok_or("signature_mismatch")
}

/// The change that replaces the whole signature.
pub const REPLACED: u8 = 6;

/// Makes a header from the right signature by one change, which the fuzzer chooses. The fuzzer could never guess the right
/// signature itself.
#[must_use]
pub fn spoil(signature: &str, how: u8, with: &[u8]) -> Option<Vec<u8>> {
    let mut header = signature.as_bytes().to_vec();
    let at = usize::from(with.first().copied().unwrap_or(0)) % header.len();
    match how % 8 {
        0 => {}
        1 => header[at] = with.get(1).copied().unwrap_or(b'0'),
        2 => header[at] ^= 1 << (with.get(1).copied().unwrap_or(0) % 8),
        3 => header.make_ascii_uppercase(),
        4 => header.truncate(at),
        5 => header.extend_from_slice(with),
        REPLACED => header = with.to_vec(),
        _ => return None,
    }
    Some(header)
}
