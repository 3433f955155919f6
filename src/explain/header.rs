use super::{Cause, base64};
use crate::signature::DIGITS;
use crate::{Signature, hex};

/// How much of a value is looked into, in bytes.
const MAX_BYTES: usize = 512;

/// The least hex digits that count as a signature that was cut.
const MIN_DIGITS: usize = 32;

/// The digits of a signature in base64, without padding.
const BASE64_DIGITS: usize = 43;

/// Finds one of the expected signatures in a value, and says in what form it is there. A value of the signature's own
/// header is known to be malformed: if it has as many digits as it should, it is for their case.
pub(super) fn mistake(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    let value = value.get(..MAX_BYTES).unwrap_or(value);
    let digits = value.to_ascii_lowercase();
    if digits.windows(DIGITS).any(|window| is_one_of(window, expected)) {
        let all = digits.iter().filter(|digit| hex::value(**digit) < 16).count();
        return Some(match value.len() {
            DIGITS => Cause::SignatureUppercase,
            _ if all >= 2 * DIGITS => Cause::SignatureRepeated,
            _ => Cause::SignatureExtraText,
        });
    }
    let mut bytes = Vec::new();
    for window in value.windows(BASE64_DIGITS) {
        bytes.clear();
        base64::decode(window, &mut bytes);
        if is_one_of(hex::encode(&bytes).as_bytes(), expected) {
            return Some(Cause::SignatureBase64);
        }
    }
    let lacking =
        DIGITS.checked_sub(digits.len()).filter(|lacking| *lacking <= DIGITS - MIN_DIGITS)?;
    for signature in expected {
        for skipped in [0, lacking] {
            // The expected digits stand in for those that lack, so that equality, which takes the same
            // time for any digits, compares the rest.
            let mut whole = signature.digits().into_bytes();
            for (digit, found) in whole.iter_mut().skip(skipped).zip(&digits) {
                *digit = *found;
            }
            if is_one_of(&whole, &[*signature]) {
                return Some(Cause::SignatureCut);
            }
        }
    }
    None
}

fn is_one_of(digits: &[u8], expected: &[Signature]) -> bool {
    Signature::parse(digits).is_ok_and(|found| expected.contains(&found))
}
