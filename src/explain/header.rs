use zeroize::Zeroizing;

use super::{Cause, base64};
use crate::{MalformedSignature, Signature};

/// The longest value that is looked into, in bytes.
const MAX_BYTES: usize = 512;

/// The hex digits of a signature, and the least of them that count as one that was cut.
const DIGITS: usize = 64;
const MIN_DIGITS: usize = 32;

/// The digits of a signature in base64, without padding.
const BASE64_DIGITS: usize = 43;

/// Finds one of the expected signatures in a value that is none by its form.
pub(super) fn mistake(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    if value.len() > MAX_BYTES {
        return None;
    }
    in_hex(value, expected).or_else(|| in_base64(value, expected)).or_else(|| cut(value, expected))
}

/// Says what is wrong with the form, where nothing better is known.
pub(super) const fn reason(malformed: MalformedSignature) -> &'static str {
    match malformed {
        MalformedSignature::Empty => "it is empty",
        MalformedSignature::Length(_) => "it has another length",
        MalformedSignature::Uppercase => "it has uppercase digits",
        MalformedSignature::Character(_) => "it has a character that is no hex digit",
        MalformedSignature::Repeated => "it is several values",
    }
}

/// Tells whether a value holds 64 hex digits, whatever they are.
pub(super) fn has_digits(value: &[u8]) -> bool {
    value.len() <= MAX_BYTES && value.windows(DIGITS).any(|window| signature(window).is_some())
}

fn signature(digits: &[u8]) -> Option<Signature> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes).ok().map(|()| Signature::new(bytes))
}

fn in_hex(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    let found = |window| signature(window).is_some_and(|found| expected.contains(&found));
    let at = value.windows(DIGITS).position(found)?;
    let (before, rest) = value.split_at_checked(at)?;
    let (_, after) = rest.split_at_checked(DIGITS)?;
    Some(match (before.trim_ascii(), after.trim_ascii()) {
        _ if before.is_empty() && after.is_empty() => Cause::SignatureUppercase,
        (b"", b"") => Cause::SignatureWhitespace,
        (b"\"", b"\"") | (b"'", b"'") => Cause::SignatureQuoted,
        _ if has_digits(before) || has_digits(after) => Cause::SignatureRepeated,
        _ => Cause::SignatureExtraText,
    })
}

fn in_base64(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    let found = |window| {
        let bytes = base64::decode(window).as_slice().try_into();
        bytes.is_ok_and(|bytes| expected.contains(&Signature::new(bytes)))
    };
    value.windows(BASE64_DIGITS).any(found).then_some(Cause::SignatureBase64)
}

fn cut(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    let runs = value.split(|byte| !byte.is_ascii_hexdigit());
    let run = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= MIN_DIGITS)?;
    let lacking = DIGITS.checked_sub(run.len())?;
    let found = |whole: &Signature| {
        // The expected digits stand in for those that lack, so that equality, which takes the same
        // time for any digits, compares the rest.
        let digits = Zeroizing::new(whole.digits());
        let digits = digits.as_bytes();
        let front = digits.get(..lacking).unwrap_or_default();
        let back = digits.get(run.len()..).unwrap_or_default();
        [[run, back].concat(), [front, run].concat()]
            .iter()
            .any(|digits| signature(digits).as_ref() == Some(whole))
    };
    expected.iter().any(found).then_some(Cause::SignatureCut)
}
