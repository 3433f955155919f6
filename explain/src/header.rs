use walnut_webhooks::{MalformedSignature, Signature};

use crate::{BLANKS, Cause, base64, trimmed};

/// How many bytes of a value are examined.
const MAX_BYTES: usize = 512;

/// How many hex digits a signature has.
const DIGITS: usize = 64;

/// The fewest hex digits that count as a signature that was cut.
const MIN_DIGITS: usize = 32;

/// How many digits a signature has in base64, without padding.
const BASE64_DIGITS: usize = 43;

/// Finds one of the expected signatures in a header's value, and returns the mistake in its form.
///
/// The value of the signature's own header is known to be malformed: with 64 digits, only their case can be wrong.
pub(crate) fn find_mistake(value: &[u8], expected: &[Signature]) -> Option<Cause> {
    let value = value.get(..MAX_BYTES).unwrap_or(value);
    let digits = value.to_ascii_lowercase();
    if digits.windows(DIGITS).any(|window| is_one_of(window, expected)) {
        let hex_digits = digits.iter().filter(|digit| digit.is_ascii_hexdigit()).count();
        return Some(match value.len() {
            DIGITS => Cause::SignatureUppercase,
            _ if hex_digits >= 2 * DIGITS => Cause::SignatureRepeated,
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
    let missing =
        DIGITS.checked_sub(digits.len()).filter(|missing| *missing <= DIGITS - MIN_DIGITS)?;
    for signature in expected {
        for skipped in [0, missing] {
            // The expected digits replace the missing ones, so that the constant-time equality of signatures
            // compares the rest.
            let mut whole = signature.to_string().into_bytes();
            for (digit, received) in whole.iter_mut().skip(skipped).zip(&digits) {
                *digit = *received;
            }
            if is_one_of(&whole, &[*signature]) {
                return Some(Cause::SignatureCut);
            }
        }
    }
    None
}

fn is_one_of(digits: &[u8], expected: &[Signature]) -> bool {
    Signature::parse(digits).is_ok_and(|received| expected.contains(&received))
}

/// Returns whether a header says that the body is encoded, which means compressed (RFC 9110, section 8.4).
pub(crate) fn is_encoding(name: &str, value: &[u8]) -> bool {
    let value = trimmed(value, BLANKS);
    name.eq_ignore_ascii_case("content-encoding")
        && !value.is_empty()
        && !value.eq_ignore_ascii_case(b"identity")
}

/// Names the problem of a malformed header that contains no signature in any known form.
pub(crate) fn problem(reason: MalformedSignature) -> Option<String> {
    match reason {
        MalformedSignature::Empty => Some("The X-Walnut-Signature header is empty.".to_owned()),
        MalformedSignature::Length(length) => {
            let length = length.to_string();
            Some(["The X-Walnut-Signature header has ", &length, " bytes instead of 64."].concat())
        }
        MalformedSignature::Character(index) => {
            let index = index.to_string();
            Some(
                ["Byte ", &index, " of the X-Walnut-Signature header is not a hex digit."].concat(),
            )
        }
        _ => None,
    }
}
