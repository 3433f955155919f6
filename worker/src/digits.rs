use std::str::FromStr;

/// Reads a number that is written in decimal digits only.
pub(crate) fn parse<T: FromStr>(text: &str) -> Option<T> {
    // `parse` alone would accept a sign.
    text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_digits_within_the_range_of_the_type() {
        for (text, number) in [("0", 0), ("007", 7), ("255", 255)] {
            assert_eq!(parse::<u8>(text), Some(number), "{text}");
        }
        for text in ["", "+5", "-0", "-1", "256", "1.0", "1e2", " 1", "1 ", "1_0", "0x1", "٣"] {
            assert_eq!(parse::<u8>(text), None, "{text:?}");
        }
    }
}
