//! Writes numbers of JSON as other serializers do.

use super::{SPELLINGS, STYLES};

/// The most names of numbers whose combinations are all tried: one more name would double the number of
/// combinations.
const MAX_NAMES: usize = 5;

/// The most decimals to which numbers are completed with zeros.
pub(crate) const MAX_DECIMALS: usize = 2;

/// Writes a number unchanged.
pub(crate) fn keep(_: &[u8], number: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(number);
}

/// Writes a whole number without decimals: some serializers, such as Gson, write `12` as `12.0`.
pub(crate) fn without_zeros(_: &[u8], number: &[u8], out: &mut Vec<u8>) {
    let mut whole = number;
    while let Some(rest) = whole.strip_suffix(b"0") {
        whole = rest;
    }
    out.extend_from_slice(whole.strip_suffix(b".").unwrap_or(number));
}

/// Writes a number with at least this number of decimals, because some serializers drop zeros: JavaScript writes `12.0` as
/// `12`.
pub(crate) fn complete(number: &[u8], decimals: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(number);
    let Some(written) = count_decimals(number) else { return };
    let missing = decimals.saturating_sub(written);
    if written == 0 && missing > 0 {
        out.push(b'.');
    }
    out.extend(core::iter::repeat_n(b'0', missing));
}

/// Counts the decimals of a number; `None` if it has an exponent.
fn count_decimals(number: &[u8]) -> Option<usize> {
    let has_exponent = number.iter().any(|byte| matches!(byte, b'e' | b'E'));
    let point = number.iter().rev().position(|byte| *byte == b'.');
    (!has_exponent).then_some(point.unwrap_or(0))
}

/// Lists the names of the numbers that may have lost a zero, each once. Lists none if there are more than
/// [`MAX_NAMES`].
pub(crate) fn names(text: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    let mut collect = |name, number: &[u8], _: &mut Vec<u8>| {
        let is_short = count_decimals(number).is_some_and(|written| written < MAX_DECIMALS);
        if is_short && names.len() <= MAX_NAMES && !names.contains(&name) {
            names.push(name);
        }
    };
    super::write(text, &STYLES[0], &SPELLINGS[0], &mut collect, &mut Vec::new());
    if names.len() > MAX_NAMES {
        names.clear();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_zeros_of_whole_numbers() {
        for (number, expected) in [
            ("12.0", "12"),
            ("-0.00", "-0"),
            ("12", "12"),
            ("12.50", "12.50"),
            ("1.0e3", "1.0e3"),
            ("120", "120"),
        ] {
            let mut out = Vec::new();
            without_zeros(b"", number.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn completes_numbers_without_an_exponent() {
        for (number, decimals, expected) in [
            ("12", 0, "12"),
            ("12", 1, "12.0"),
            ("12", 2, "12.00"),
            ("-1.5", 1, "-1.5"),
            ("-1.5", 2, "-1.50"),
            ("1.25", 2, "1.25"),
            ("1.125", 2, "1.125"),
            ("1e3", 2, "1e3"),
            ("1E3", 1, "1E3"),
        ] {
            let mut out = Vec::new();
            complete(number.as_bytes(), decimals, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn lists_the_names_of_up_to_five_numbers_that_may_have_lost_a_zero() {
        let listed = |text: &'static str| -> Vec<_> {
            names(text.as_bytes()).iter().map(|name| core::str::from_utf8(name).unwrap()).collect()
        };
        assert_eq!(
            listed(r#"{"a":1,"b" : 1.5,"c":1.25,"d":1e3,"e":"1","f":[2,{"g":3}],"a":4}"#),
            ["a\"", "b\"", "f\"", "g\""]
        );
        assert_eq!(listed(r#"{"a":1,"b":1,"c":1,"d":1,"e":1}"#).len(), 5);
        assert_eq!(listed(r#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}"#).len(), 0);
        assert_eq!(listed("1"), [""]);
    }
}
