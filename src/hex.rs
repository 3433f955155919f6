//! Hex in lowercase: what a signature is written in.

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(char::from(digit(byte >> 4)));
        text.push(char::from(digit(*byte)));
    }
    text
}

/// The digit of a byte's lower half.
pub(crate) const fn digit(byte: u8) -> u8 {
    match byte & 15 {
        half @ 0..=9 => half.wrapping_add(b'0'),
        half => half.wrapping_add(b'a' - 10),
    }
}

/// The value of a digit; uppercase ones are none.
pub(crate) const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a' - 10)),
        _ => None,
    }
}

/// Reads pairs of digits for as long as there are some.
pub(crate) fn decode(digits: &[u8]) -> impl Iterator<Item = u8> {
    digits.chunks_exact(2).map_while(|pair| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    })
}
