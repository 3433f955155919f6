use crate::digits;

/// The units of durations, in milliseconds. `ms` comes before `s`, which is a suffix of it.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", SECOND_MS), ("m", 60 * SECOND_MS), ("h", HOUR_MS), ("d", DAY_MS)];
pub(super) const SECOND_MS: u64 = 1000;
pub(super) const HOUR_MS: u64 = 60 * 60 * SECOND_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// More digits than any reasonable number has, and few enough that nothing overflows.
const MOST_DIGITS: usize = 25;

/// Reads a duration such as `90s`, `1.5h` or, in seconds, `90`; returns milliseconds.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (number, unit) = UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, SECOND_MS));
    times(number, unit)
}

/// Multiplies a decimal number by a unit. The product is rounded up, so that only 0 becomes 0.
pub(super) fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = [whole, fraction].concat();
    if whole.is_empty() || fraction.is_empty() || digits.len() > MOST_DIGITS {
        return None;
    }
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let product = digits::parse::<u128>(&digits)?.checked_mul(unit.into())?;
    let rounded = product.checked_add(scale.checked_sub(1)?)?.checked_div(scale)?;
    u64::try_from(rounded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        for (text, ms) in [
            ("0", 0),
            ("0.0h", 0),
            ("90", 90_000),
            ("90s", 90_000),
            ("250ms", 250),
            ("30m", 1_800_000),
            ("72h", 259_200_000),
            ("3d", 259_200_000),
            ("1.5", 1500),
            ("0.25s", 250),
            ("0.00001d", 864),
            ("0.30000000000000004", 301),
            ("0.1ms", 1),
            ("007", 7000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn rejects_what_is_not_a_duration() {
        for text in [
            "", "s", "ms", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e3", "1 s", " 1", "1S", "1w",
            "1sm", "1mss", "NaN", "inf", "infinity", "0x1", "1_000", "٣",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_at_most_25_digits() {
        let small = |zeros: usize| format!("0.{}1", "0".repeat(zeros));
        assert_eq!(times(&small(MOST_DIGITS - 2), DAY_MS), Some(1));
        assert_eq!(times(&small(MOST_DIGITS - 1), DAY_MS), None);
        assert_eq!(times("18446744073709551615", 1), Some(u64::MAX));
        assert_eq!(times("18446744073709551616", 1), None);
        assert_eq!(times(&"9".repeat(MOST_DIGITS), DAY_MS), None);
    }
}
