use core::fmt;

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
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSignature => f.write_str(
                "the request has no X-Walnut-Signature header: switch signature verification on for \
                 this webhook in Walnut's settings, or find the proxy that drops the header",
            ),
            Self::MalformedSignature(reason) => {
                write!(f, "X-Walnut-Signature must be 64 lowercase hex digits, but {reason}")
            }
            Self::SignatureMismatch { keys: 1 } => f.write_str(
                "the key does not produce this signature for this body: either the key is not the \
                 one in Walnut's settings, or the body is not byte for byte what was sent",
            ),
            Self::SignatureMismatch { keys } => write!(
                f,
                "none of the {keys} keys produces this signature for this body: either no key is \
                 the one in Walnut's settings, or the body is not byte for byte what was sent"
            ),
            Self::InvalidKey { keys: 0 } => {
                f.write_str("no key was given: pass the key shown in Walnut's settings")
            }
            Self::InvalidKey { keys: 1 } => {
                f.write_str("the key is empty: pass the key shown in Walnut's settings")
            }
            Self::InvalidKey { keys } => {
                write!(f, "{keys} keys were given, but at most {} are used", crate::MAX_KEYS)
            }
            Self::BodyTooLarge { limit } => {
                write!(f, "the body is longer than the limit of {limit} bytes")
            }
            Self::NotJson(reason) => {
                write!(f, "the signature is right, but the body is not a JSON object: {reason}")
            }
            Self::Stale { timestamp, future: false } => {
                write!(f, "the event is older than the limit: it was signed at {timestamp}")
            }
            Self::Stale { timestamp, future: true } => write!(
                f,
                "the event lies in the future: it was signed at {timestamp}; is this clock right?"
            ),
        }
    }
}

impl core::error::Error for Error {}

impl fmt::Display for MalformedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Length(length) => write!(f, "it has {length} bytes"),
            Self::Uppercase => f.write_str("it has uppercase digits"),
            Self::Character(index) => write!(f, "its byte {index} is no hex digit"),
            Self::Repeated => f.write_str("it is several values, or a list"),
        }
    }
}

impl fmt::Display for NotJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::Utf8 => f.write_str("it is not UTF-8"),
            Self::ByteOrderMark => f.write_str("it begins with a byte order mark"),
            Self::Syntax => f.write_str("its syntax is wrong"),
            Self::Depth => write!(f, "it is nested deeper than {} levels", crate::MAX_DEPTH),
            Self::NotAnObject => f.write_str("its top is no object"),
        }
    }
}
