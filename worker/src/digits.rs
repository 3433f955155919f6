use std::str::FromStr;

/// Reads a whole number that is written in digits, and nothing else.
pub(crate) fn parse<T: FromStr>(text: &str) -> Option<T> {
    // `parse` alone would take a sign.
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits_within_its_type() {
        for (text, number) in [("0", 0), ("007", 7), ("255", 255)] {
            assert_eq!(parse::<u8>(text), Some(number), "{text}");
        }
        for text in ["", "+5", "-0", "-1", "256", "1.0", "1e2", " 1", "1 ", "1_0", "0x1", "٣"] {
            assert_eq!(parse::<u8>(text), None, "{text:?}");
        }
    }
}
