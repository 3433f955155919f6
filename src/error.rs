use core::fmt;

use crate::joined::joined;

/// Says why a delivery, or a key, was refused.
///
/// The word that [`Error::code`] gives is the contract: it is the same in Rust, in JavaScript, in the
/// Worker's answers and in the test vectors. No error contains a key or a calculated signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The request had no `X-Walnut-Signature` header.
    MissingSignature,
    /// The header is not exactly 64 lowercase hex digits.
    MalformedSignature(MalformedSignature),
    /// The header is well formed, and none of the keys produces it for this body.
    SignatureMismatch {
        /// How many keys were tried.
        keys: usize,
    },
    /// A key is empty, or there are none, or more than [`MAX_KEYS`](crate::MAX_KEYS).
    InvalidKey {
        /// How many keys were given; 1 when the key itself is empty.
        keys: usize,
    },
    /// The body is longer than the limit.
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is authentic, but is not a JSON object.
    NotJson(NotJson),
    /// The body is authentic, but its signed time is out of the accepted range.
    Stale {
        /// The signed time, as sent.
        timestamp: String,
        /// Whether it lies too far in the future, rather than in the past.
        future: bool,
    },
}

/// Says what is wrong with the form of a signature header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedSignature {
    /// It is empty.
    Empty,
    /// It has another length than 64 bytes.
    Length(usize),
    /// It has the right length, but contains uppercase hex digits.
    Uppercase,
    /// It has the right length, but the byte at this index is no hex digit.
    Character(usize),
    /// It came more than once, or as a list.
    Repeated,
}

/// Says why a body is not JSON as the contract defines it: RFC 8259 in UTF-8, an object at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotJson {
    /// There are no bytes.
    Empty,
    /// The bytes are not UTF-8.
    Utf8,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// It is no JSON text.
    Syntax,
    /// It is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    Depth,
    /// It is JSON, but its top is no object.
    NotAnObject,
}

impl Error {
    /// Returns the stable code of the error, such as `signature_mismatch`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingSignature => "missing_signature",
            Self::MalformedSignature(_) => "malformed_signature",
            Self::SignatureMismatch { .. } => "signature_mismatch",
            Self::InvalidKey { .. } => "invalid_key",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::NotJson(_) => "not_json",
            Self::Stale { .. } => "stale",
        }
    }

    /// Returns the HTTP status to answer with.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::MissingSignature
            | Self::MalformedSignature(_)
            | Self::SignatureMismatch { .. } => 401,
            Self::InvalidKey { .. } => 500,
            Self::BodyTooLarge { .. } => 413,
            Self::NotJson(_) | Self::Stale { .. } => 400,
        }
    }

    /// Writes the message without `core::fmt`, whose machinery would be a good part of what the
    /// WebAssembly build weighs.
    pub(crate) fn message(&self) -> String {
        let number = |n: usize| n.to_string();
        match self {
            Self::MissingSignature => {
                "the request has no X-Walnut-Signature header: switch signature verification on for \
                 this webhook in Walnut's settings, or find the proxy that drops the header"
                    .to_owned()
            }
            Self::MalformedSignature(reason) => {
                let (before, value, after) = match *reason {
                    MalformedSignature::Empty => ("it is empty", None, ""),
                    MalformedSignature::Length(length) => ("it has ", Some(length), " bytes"),
                    MalformedSignature::Uppercase => ("it has uppercase digits", None, ""),
                    MalformedSignature::Character(index) => {
                        ("its byte ", Some(index), " is no hex digit")
                    }
                    MalformedSignature::Repeated => ("it is several values, or a list", None, ""),
                };
                let value = value.map(number).unwrap_or_default();
                let expected = "X-Walnut-Signature must be 64 lowercase hex digits, but ";
                joined(&[expected, before, &value, after])
            }
            Self::SignatureMismatch { keys: 1 } => {
                "the key does not produce this signature for this body: either the key is not the \
                 one that Walnut's settings show now, or the body is not byte for byte what was sent"
                    .to_owned()
            }
            Self::SignatureMismatch { keys } => joined(&[
                "none of the ",
                &number(*keys),
                " keys produces this signature for this body: either no key is the one in Walnut's \
                 settings, or the body is not byte for byte what was sent",
            ]),
            Self::InvalidKey { keys: 0 } => {
                "no key was given: pass the key shown in Walnut's settings".to_owned()
            }
            Self::InvalidKey { keys: 1 } => {
                "the key is empty: pass the key shown in Walnut's settings".to_owned()
            }
            Self::InvalidKey { keys } => {
                joined(&[&number(*keys), " keys were given, but at most 4 are used"])
            }
            Self::BodyTooLarge { limit } => {
                joined(&["the body is longer than the limit of ", &number(*limit), " bytes"])
            }
            Self::NotJson(reason) => {
                let reason = match reason {
                    NotJson::Empty => "it is empty",
                    NotJson::Utf8 => "it is not UTF-8",
                    NotJson::ByteOrderMark => "it begins with a byte order mark",
                    NotJson::Syntax => "its syntax is wrong",
                    NotJson::Depth => "it is nested deeper than 128 levels",
                    NotJson::NotAnObject => "its top is no object",
                };
                joined(&["the signature is right, but the body is not a JSON object: ", reason])
            }
            Self::Stale { timestamp, future: false } => {
                joined(&["the event is older than the limit: it was signed at ", timestamp])
            }
            Self::Stale { timestamp, future: true } => joined(&[
                "the event lies in the future: it was signed at ",
                timestamp,
                "; is this clock right?",
            ]),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_and_status() {
        for (error, code, status) in [
            (Error::MissingSignature, "missing_signature", 401),
            (Error::MalformedSignature(MalformedSignature::Empty), "malformed_signature", 401),
            (Error::SignatureMismatch { keys: 1 }, "signature_mismatch", 401),
            (Error::InvalidKey { keys: 0 }, "invalid_key", 500),
            (Error::BodyTooLarge { limit: 0 }, "body_too_large", 413),
            (Error::NotJson(NotJson::Empty), "not_json", 400),
            (Error::Stale { timestamp: String::new(), future: false }, "stale", 400),
        ] {
            assert_eq!((error.code(), error.status()), (code, status));
        }
    }

    #[test]
    fn messages_state_the_limits_as_they_are() {
        let keys = Error::InvalidKey { keys: 5 }.to_string();
        assert_eq!(keys, format!("5 keys were given, but at most {} are used", crate::MAX_KEYS));
        let depth = Error::NotJson(NotJson::Depth).to_string();
        assert!(depth.ends_with(&format!("deeper than {} levels", crate::MAX_DEPTH)), "{depth}");
    }
}
