use crate::digits;

/// The units of durations, in milliseconds. `ms` comes before `s`, which is a suffix of it.
const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", SECOND_MS), ("m", 60 * SECOND_MS), ("h", HOUR_MS), ("d", DAY_MS)];
pub(super) const SECOND_MS: u64 = 1000;
pub(super) const HOUR_MS: u64 = 60 * 60 * SECOND_MS;
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;

/// More digits than any reasonable number has.
const MOST_DIGITS: usize = 25;

/// The limits of a duration and an example, as an operator writes them.
pub(super) struct Range {
    pub(super) least: &'static str,
    pub(super) most: &'static str,
    pub(super) example: &'static str,
}

impl Range {
    /// Reads a duration within the limits, such as `90s` or `1.5h`; returns milliseconds. If `0` is the lower limit, it
    /// needs no unit.
    ///
    /// # Errors
    ///
    /// The problem, as the end of a sentence that begins with the variable.
    pub(super) fn parse(&self, text: &str) -> Result<u64, String> {
        let Self { least, most, example } = self;
        if text == "0" && *least == "0" {
            return Ok(0);
        }
        let limits = parse(least).unwrap_or(0)..=self.most_ms();
        match parse(text) {
            Some(ms) if limits.contains(&ms) => Ok(ms),
            // A bare number.
            None if multiply(text, 1).is_some() => {
                Err(format!("must have a unit, such as {example}: add ms, s, m, h or d"))
            }
            _ => Err(format!("must be a duration from {least} to {most}, such as {example}")),
        }
    }

    /// Returns the upper limit, in milliseconds.
    pub(super) fn most_ms(&self) -> u64 {
        parse(self.most).unwrap_or(u64::MAX)
    }
}

/// Reads a duration; returns milliseconds.
fn parse(text: &str) -> Option<u64> {
    let (number, unit) =
        UNITS.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    multiply(number, unit)
}

/// Multiplies a decimal number by a unit. The product is rounded up, so that only 0 becomes 0.
fn multiply(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let has_digits = !fraction.is_empty() && fraction.bytes().all(|c| c.is_ascii_digit());
    if !has_digits || whole.len().saturating_add(fraction.len()) > MOST_DIGITS {
        return None;
    }
    let part = fraction.bytes().rev().fold(0_u64, |part, digit| {
        let digit = u64::from(digit.saturating_sub(b'0'));
        part.saturating_add(digit.saturating_mul(unit)).div_ceil(10)
    });
    digits::parse::<u64>(whole)?.checked_mul(unit)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations() {
        for (text, ms) in [
            ("0s", 0),
            ("0.0h", 0),
            ("90s", 90_000),
            ("250ms", 250),
            ("30m", 1_800_000),
            ("72h", 259_200_000),
            ("3d", 259_200_000),
            ("1.5s", 1500),
            ("0.25s", 250),
            ("0.00001d", 864),
            ("0.30000000000000004s", 301),
            ("0.1ms", 1),
            ("007s", 7000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn rejects_invalid_durations() {
        for text in [
            "", "s", "ms", ".s", ".5s", "5.s", "1.2.3s", "-1s", "+1s", "1e3s", "1 s", " 1s", "1S",
            "1w", "1sm", "1mss", "NaN", "inf", "infinity", "0x1s", "1_000s", "٣s", "0", "90",
            "1.5",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn asks_for_the_unit_of_a_bare_number() {
        let range = |least| Range { least, most: "90d", example: "72h" };
        let missing = Err("must have a unit, such as 72h: add ms, s, m, h or d".to_owned());
        for text in ["72", "1.5", "0.0", "00", "99999999"] {
            assert_eq!(range("0").parse(text), missing, "{text}");
        }
        assert_eq!(range("0").parse("0"), Ok(0));
        assert_eq!(range("0").parse("0s"), Ok(0));
        assert_eq!(range("1s").parse("0"), missing);
        let other = Err("must be a duration from 1s to 90d, such as 72h".to_owned());
        for text in ["", "soon", "72 ", "-72", "0s", "91d", "1e3"] {
            assert_eq!(range("1s").parse(text), other, "{text}");
        }
    }

    #[test]
    fn reads_at_most_25_digits() {
        let small = |zeros: usize| format!("0.{}1", "0".repeat(zeros));
        assert_eq!(multiply(&small(MOST_DIGITS - 2), DAY_MS), Some(1));
        assert_eq!(multiply(&small(MOST_DIGITS - 1), DAY_MS), None);
        assert_eq!(multiply("18446744073709551615", 1), Some(u64::MAX));
        assert_eq!(multiply("18446744073709551616", 1), None);
        assert_eq!(multiply(&"9".repeat(MOST_DIGITS), DAY_MS), None);
    }
}
