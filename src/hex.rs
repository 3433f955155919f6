//! Hex in lowercase: what a signature is written in.

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let [high, low] = digits(*byte);
        text.push(char::from(high));
        text.push(char::from(low));
    }
    text
}

/// The two digits of a byte.
pub(crate) const fn digits(byte: u8) -> [u8; 2] {
    [digit(byte >> 4), digit(byte)]
}

/// The digit of a byte's lower half.
const fn digit(byte: u8) -> u8 {
    match byte & 15 {
        half @ 0..=9 => half.wrapping_add(b'0'),
        half => half.wrapping_add(b'a' - 10),
    }
}

/// The value of a digit: above 15 for what is none, as an uppercase one. Without branches, of which random
/// digits would have half predicted wrongly.
pub(crate) const fn value(digit: u8) -> u8 {
    let decimal = digit.wrapping_sub(b'0');
    let letter = digit.wrapping_sub(b'a');
    let other = if letter < 6 { letter.wrapping_add(10) } else { u8::MAX };
    if decimal < 10 { decimal } else { other }
}

/// Reads as many pairs of digits as there is room for, and tells whether all of them are digits.
pub(crate) fn decode(digits: &[u8], to: &mut [u8]) -> bool {
    let mut seen = 0;
    for (byte, pair) in to.iter_mut().zip(digits.chunks_exact(2)) {
        if let [high, low] = pair {
            let (high, low) = (value(*high), value(*low));
            seen |= high | low;
            *byte = high << 4 | low;
        }
    }
    seen < 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written_and_read() {
        for byte in 0..=u8::MAX {
            let text = encode(&[byte]);
            assert_eq!(text, format!("{byte:02x}"));
            let mut read = [0];
            assert!(decode(text.as_bytes(), &mut read));
            assert_eq!(read, [byte]);
        }
    }

    #[test]
    fn lowercase_hex_digits_are_read_and_no_others() {
        for digit in 0..=u8::MAX {
            let is_digit = b"0123456789abcdef".contains(&digit);
            assert_eq!(decode(&[digit, b'0'], &mut [0]), is_digit, "{digit}");
            assert_eq!(decode(&[b'0', digit], &mut [0]), is_digit, "{digit}");
        }
    }
}
