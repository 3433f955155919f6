use core::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{Error, MalformedSignature};

/// The name of the header that carries the signature, in lowercase.
pub const SIGNATURE_HEADER: &str = "x-walnut-signature";

/// The number of digits in a signature: SHA-256 in hex.
pub(crate) const DIGITS: usize = 64;

/// The 32 bytes of an HMAC-SHA256, which prove that a body was signed.
///
/// Equality is constant-time. [`Display`](fmt::Display) prints the 64 lowercase hex digits for the header. `Debug` prints
/// no digits, because a calculated signature is secret.
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn from_hmac(hmac: Hmac<Sha256>) -> Self {
        Self::new(hmac.finalize().into_bytes().into())
    }

    /// Parses a header strictly: exactly 64 lowercase hex digits, nothing before or after.
    ///
    /// # Errors
    ///
    /// [`Error::MissingSignature`] without a header, else [`Error::MalformedSignature`].
    pub fn parse<'h>(header: impl Into<Header<'h>>) -> Result<Self, Error> {
        let digits = match header.into().0 {
            Value::Absent => return Err(Error::MissingSignature),
            Value::One(digits) => digits,
            #[cfg(feature = "http")]
            Value::Repeated => return Err(Error::MalformedSignature(MalformedSignature::Repeated)),
        };
        let mut bytes = [0; 32];
        if digits.len() != DIGITS || base16ct::lower::decode(digits, &mut bytes).is_err() {
            return Err(Error::MalformedSignature(malformed(digits)));
        }
        Ok(Self(bytes))
    }

    /// Writes the 64 lowercase hex digits.
    pub(crate) fn digits(&self) -> String {
        hex::encode(self.0)
    }
}

/// Returns the reason why a header is malformed.
fn malformed(digits: &[u8]) -> MalformedSignature {
    if digits.is_empty() {
        return MalformedSignature::Empty;
    }
    if digits.len() != DIGITS {
        return MalformedSignature::Length(digits.len());
    }
    match digits.iter().position(|c| !c.is_ascii_hexdigit()) {
        Some(index) => MalformedSignature::Character(index),
        None => MalformedSignature::Uppercase,
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Signature {}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(redacted)")
    }
}

/// The value of a request's signature header as received, or its absence.
///
/// Make it from a string, from bytes, or from an `Option` of either:
///
/// ```
/// # use walnut_webhooks::{Error, Header, Signature};
/// let absent: Option<&[u8]> = None;
/// assert_eq!(Signature::parse(absent), Err(Error::MissingSignature));
/// assert_eq!(Signature::parse("zz").unwrap_err().code(), "malformed_signature");
/// ```
///
/// With the feature `http`, you can also make it from all headers of a request, an `http::HeaderMap`. Prefer
/// that to `headers.get(…)`, which returns the first of several values: a request with two signatures must be
/// rejected.
#[cfg_attr(
    feature = "http",
    doc = r#"
```
use walnut_webhooks::{Key, SIGNATURE_HEADER, Verifier};

let key = Key::new("key")?;
let mut headers = http::HeaderMap::new();
headers.append(SIGNATURE_HEADER, key.sign("body").to_string().parse()?);
let verifier = Verifier::new(key);
assert!(verifier.verify("body", &headers).is_ok());

headers.append(SIGNATURE_HEADER, "another".parse()?);
let error = verifier.verify("body", &headers).unwrap_err();
assert_eq!(error.code(), "malformed_signature");
# Ok::<(), Box<dyn std::error::Error>>(())
```"#
)]
#[derive(Clone, Copy, Debug)]
pub struct Header<'h>(Value<'h>);

#[derive(Clone, Copy, Debug)]
enum Value<'h> {
    Absent,
    One(&'h [u8]),
    #[cfg(feature = "http")]
    Repeated,
}

impl<'h> From<Option<&'h [u8]>> for Header<'h> {
    fn from(value: Option<&'h [u8]>) -> Self {
        Self(value.map_or(Value::Absent, Value::One))
    }
}

impl<'h> From<Option<&'h str>> for Header<'h> {
    fn from(value: Option<&'h str>) -> Self {
        value.map(str::as_bytes).into()
    }
}

/// Implements the conversion for each type. A generic implementation for all byte types would also accept an
/// `http::HeaderValue`, and would conflict with the one for an `http::HeaderMap`.
macro_rules! from_bytes {
    ($($type:ty $(, const $length:ident)?;)*) => {$(
        impl<'h $(, const $length: usize)?> From<&'h $type> for Header<'h> {
            fn from(value: &'h $type) -> Self {
                Self(Value::One(value.as_ref()))
            }
        }
    )*};
}

from_bytes! {
    str;
    String;
    [u8];
    [u8; N], const N;
    Vec<u8>;
}

#[cfg(feature = "http")]
impl<'h> From<&'h http::HeaderMap> for Header<'h> {
    fn from(headers: &'h http::HeaderMap) -> Self {
        let mut values = headers.get_all(SIGNATURE_HEADER).iter();
        Self(match (values.next(), values.next()) {
            (None, _) => Value::Absent,
            (Some(value), None) => Value::One(value.as_bytes()),
            (Some(_), Some(_)) => Value::Repeated,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_print_a_signature() {
        let signature = Signature::new([0xab; 32]);
        assert_eq!(format!("{signature:?}"), "Signature(redacted)");
        assert_eq!(signature.to_string(), "ab".repeat(32));
    }

    #[test]
    fn equality_compares_every_byte() {
        for index in 0..32 {
            let mut bytes = [7; 32];
            bytes[index] = 8;
            assert_ne!(Signature::new(bytes), Signature::new([7; 32]));
        }
    }

    #[test]
    fn messages_describe_the_malformed_header() {
        for (header, problem) in [
            ("", "it is empty"),
            ("abc", "its length is 3 bytes"),
            (&"a".repeat(4095), "its length is 4095 bytes"),
            (&"a".repeat(4096), "it has 4096 bytes or more"),
            (&"AB".repeat(32), "it has uppercase digits"),
            (&"zz".repeat(32), "its byte 0 is not a hex digit"),
        ] {
            let expected = format!(
                "X-Walnut-Signature must be exactly 64 lowercase hex digits, but {problem}. Pass it on exactly as \
                 Walnut sends it."
            );
            assert_eq!(Signature::parse(header).unwrap_err().to_string(), expected);
        }
    }
}
