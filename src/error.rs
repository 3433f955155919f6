use core::fmt;

#[cfg(feature = "contract")]
use crate::contract::Code;

/// Says why a delivery or a key was rejected.
///
/// [`Error::code`] is part of the contract: it is the same in Rust, in JavaScript, in the Worker's responses and
/// in the test vectors. No error contains a key or a calculated signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The request had no `X-Walnut-Signature` header.
    MissingSignature,
    /// The header is not exactly 64 lowercase hex digits.
    MalformedSignature(MalformedSignature),
    /// The header is well formed, but no key produces it for this body.
    SignatureMismatch {
        /// How many keys were tried.
        keys: usize,
    },
    /// A key is empty, no key was given, or more than [`MAX_KEYS`](crate::MAX_KEYS) were given.
    InvalidKey {
        /// How many keys were given; 1 when the key itself is empty.
        keys: usize,
    },
    /// The body is longer than the limit.
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The signature is correct, but the body is not a JSON object.
    NotJson(NotJson),
    /// The signature is correct, but the timestamp is out of the accepted range.
    Stale {
        /// The signed timestamp, as sent.
        timestamp: String,
        /// Whether it is too far in the future, rather than in the past.
        future: bool,
        /// The limit that it exceeds, in whole seconds.
        limit_secs: u32,
    },
    /// The signature is correct, but the required timestamp is absent or unreadable.
    NoTimestamp,
}

/// The reason why a signature header is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MalformedSignature {
    /// It is empty.
    Empty,
    /// Its length is not 64 bytes.
    Length(usize),
    /// It has the right length, but contains uppercase hex digits.
    Uppercase,
    /// It has the right length, but the byte at this index is not a hex digit.
    Character(usize),
    /// The request has several signature headers.
    Repeated,
}

/// The reason why a body is not JSON as the contract defines it: RFC 8259 in UTF-8, an object at the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotJson {
    /// It is empty.
    Empty,
    /// It is not valid UTF-8.
    Utf8,
    /// It begins with a byte order mark.
    ByteOrderMark,
    /// Its syntax is invalid.
    Syntax,
    /// It is nested deeper than [`MAX_DEPTH`](crate::MAX_DEPTH).
    Depth,
    /// It is JSON, but its top level is not an object.
    NotAnObject,
}

/// Declares every error code of the contract, once for each place that answers with it: the HTTP status, when
/// the code occurs, and what to do. [`Error::code`] and [`Error::status`] return the values of the rows that
/// begin with a variant. `make contract` writes the sentences into docs/errors.md.
macro_rules! codes {
    (
        $first:ident { $($variant:pat => $core_code:literal, $core_status:literal, $core_when:literal, $core_fix:literal;)* }
        $($place:ident { $($code:literal, $status:literal, $when:literal, $fix:literal;)* })*
    ) => {
        impl Error {
            fn code_and_status(&self) -> (&'static str, u16) {
                match self {
                    $($variant => ($core_code, $core_status),)*
                }
            }
        }

        #[cfg(feature = "contract")]
        pub(crate) const CODES: &[Code] = &[
            $(Code {
                place: stringify!($first),
                code: $core_code,
                status: $core_status,
                when: $core_when,
                fix: $core_fix,
            },)*
            $($(Code {
                place: stringify!($place),
                code: $code,
                status: $status,
                when: $when,
                fix: $fix,
            },)*)*
        ];
    };
}

codes! {
    verification {
        Error::MissingSignature => "missing_signature", 401,
            "The request has no `X-Walnut-Signature` header.",
            "Switch signature verification on for the webhook in Walnut's settings, or find the proxy that drops the header.";
        Error::MalformedSignature(_) => "malformed_signature", 401,
            "The header is not exactly 64 lowercase hex digits, or the request has it more than once.",
            "Find the proxy or code that changes the header. If there is none, Walnut did not send the request.";
        Error::SignatureMismatch { .. } => "signature_mismatch", 401,
            "No key produces this signature for this body.",
            "Compare the key with the one in Walnut's settings, and check that [the body is the raw one](raw-bodies.md) \
             and that the key was not [reset](key-reset.md). `explain` recognizes many of these mistakes.";
        Error::InvalidKey { .. } => "invalid_key", 500,
            "A key is empty, no key was given, or more than four were given. `new Webhook` throws this error; a request never causes it.",
            "Set the environment variable that holds the key.";
        Error::BodyTooLarge { .. } => "body_too_large", 413,
            "The body is longer than the limit.",
            "Raise `maxBodyBytes`, or `MAX_BODY_BYTES` at the edge.";
        Error::NotJson(_) => "not_json", 400,
            "The signature is correct, but the body is not a JSON object, or is nested deeper than 128 levels. The edge \
             forwards such a body as `unknown`, and retries if the origin rejects it.",
            "Open an issue that describes the body. Leave out personal data.";
        Error::Stale { .. } | Error::NoTimestamp => "stale", 400,
            "The signature is correct, but the event is older than `maxAge` (at the edge: `MAX_EVENT_AGE`), its \
             timestamp is too far in the future, or it has no readable timestamp and `requireTimestamp` is set.",
            "Check the clock of the receiving machine, and that `maxAge` is at least 72 hours.";
    }
    verification {
        "body_not_raw", 500,
            "Something parsed or decoded the body before verification.",
            "The message says [how to keep the raw body](raw-bodies.md).";
    }
    adapters {
        "not_found", 404,
            "The request's path is not the `path` option of `/node` or `/fetch`.",
            "Check the webhook's URL in Walnut's settings.";
        "method_not_allowed", 405,
            "`/node` or `/fetch` received a method other than POST.",
            "Nothing, if a browser or a monitor sent the request: Walnut sends POST.";
        "body_timeout", 408,
            "The body did not arrive within `bodyTimeout`.",
            "Nothing: Walnut sends the event again. Raise `bodyTimeout` if this happens often.";
        "handler_failed", 500,
            "Your handler threw an error.",
            "Read the error's `cause`.";
        "handler_timeout", 503,
            "Your handler took longer than `handlerTimeout`.",
            "Do less in the handler: store the delivery, and process it later.";
        "delivery_busy", 503,
            "The same delivery is [still being handled](duplicates-and-order.md).",
            "Nothing: Walnut sends the event again.";
        "store_failed", 503,
            "The `seen` store threw an error, or took too long.",
            "Read the error's `cause`.";
    }
    edge {
        "body_cut_off", 400,
            "The connection ended before the whole body had arrived, so the edge could not check the signature. It is not counted in \
             `failures`.",
            "Nothing: Walnut sends the event again.";
        "body_timeout", 408,
            "The body did not arrive within 10 s, so the edge could not check the signature. It is not counted in `failures`.",
            "Nothing: Walnut sends the event again.";
        "overloaded", 503,
            "The edge is receiving more than 32 MiB of unfinished bodies at once, so it did not read this one. It is not counted \
             in `failures`.",
            "Nothing: Walnut sends the event again.";
        "origin_failed", 502,
            "The edge could not reach the origin, or the origin did not answer 2xx.",
            "Check the origin. The attempt, or the log in direct mode, says [how it failed](edge/troubleshooting.md#why-an-attempt-failed).";
        "origin_timeout", 504,
            "The origin did not answer in time.",
            "Check the origin, or raise `ORIGIN_TIMEOUT`.";
        "loop", 508,
            "The delivery has been through this edge before, or through 8 edges: see [loops](edge/troubleshooting.md#loops). It is counted in \
             `failures`.",
            "Remove the destination that sends it back.";
        "store_failed", 503,
            "The edge could not store the delivery. Walnut sends the event again.",
            "Read the edge's log.";
        "misconfigured", 500,
            "A variable is missing or invalid, so the edge cannot receive events. The exception is durable mode with a key: the edge \
             stores events and holds them. `/healthz` then answers this code with 503, and redelivery with 500.",
            "Read the edge's log, which lists every mistake.";
        "not_found", 404,
            "The edge has no route at this path.",
            "Check the webhook's URL in Walnut's settings.";
        "method_not_allowed", 405,
            "The path does not accept this method.",
            "Use the method that the `allow` header names.";
        "unauthorized", 401,
            "Admin API: the request has no token, or a wrong one.",
            "Send `ADMIN_TOKEN` as a bearer token.";
        "invalid_request", 400,
            "Admin API: the request is invalid.",
            "The message says what the API expects.";
        "inbox_failed", 503,
            "Admin API and `/healthz`: the inbox did not answer.",
            "Send the request again. The edge's log has the cause.";
        "forgotten", 409,
            "Admin API: the delivery's body was deleted.",
            "Nothing: the body cannot be restored.";
        "not_verified", 409,
            "Admin API: no key that is set verifies the kept request.",
            "If you know that Walnut sent it, set the key that signed it. Otherwise, erase it.";
    }
}

impl Error {
    /// Returns the stable code of the error, such as `signature_mismatch`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code_and_status().0
    }

    /// Returns the HTTP status to answer with.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.code_and_status().1
    }

    /// Writes the message without `core::fmt`, which would be a large part of the WebAssembly module.
    pub(crate) fn message(&self) -> String {
        let number = |n: usize| n.to_string();
        match self {
            Self::MissingSignature => {
                "The request has no X-Walnut-Signature header. Switch signature verification on for this \
                 webhook in Walnut's settings, or find the proxy that drops the header."
                    .to_owned()
            }
            Self::MalformedSignature(reason) => {
                let (before, value, after) = match *reason {
                    MalformedSignature::Empty => ("it is empty", None, ""),
                    // The npm package reads at most 4096 bytes of a header.
                    MalformedSignature::Length(4096..) => ("it has 4096 bytes or more", None, ""),
                    MalformedSignature::Length(length) => {
                        ("its length is ", Some(length), " bytes")
                    }
                    MalformedSignature::Uppercase => ("it has uppercase digits", None, ""),
                    MalformedSignature::Character(index) => {
                        ("its byte ", Some(index), " is not a hex digit")
                    }
                    MalformedSignature::Repeated => ("the request has several", None, ""),
                };
                let value = value.map(number).unwrap_or_default();
                String::from_iter([
                    "X-Walnut-Signature must be exactly 64 lowercase hex digits, but ",
                    before,
                    &value,
                    after,
                    ". Pass it on exactly as Walnut sends it.",
                ])
            }
            Self::SignatureMismatch { keys: 1 } => {
                "The key does not produce this signature for this body. Check that the key is the one that \
                 Walnut's settings show now, and that the body is byte for byte what Walnut sent."
                    .to_owned()
            }
            Self::SignatureMismatch { keys } => String::from_iter([
                "None of the ",
                &number(*keys),
                " keys produces this signature for this body. Check that one of them is the key that Walnut's \
                 settings show now, and that the body is byte for byte what Walnut sent.",
            ]),
            Self::InvalidKey { keys: 0 } => {
                "No key was given. Pass the key shown in Walnut's settings.".to_owned()
            }
            Self::InvalidKey { keys: 1 } => {
                "The key is empty. Pass the key shown in Walnut's settings.".to_owned()
            }
            Self::InvalidKey { keys } => String::from_iter([
                &number(*keys),
                " keys were given, but at most 4 are allowed. Pass the current key and the previous one.",
            ]),
            Self::BodyTooLarge { limit } => String::from_iter([
                "The body is longer than the limit of ",
                &number(*limit),
                " bytes. If Walnut sent it, raise maxBodyBytes, or MAX_BODY_BYTES at the edge.",
            ]),
            Self::NotJson(reason) => {
                let reason = match reason {
                    NotJson::Empty => "it is empty",
                    NotJson::Utf8 => "it is not valid UTF-8",
                    NotJson::ByteOrderMark => "it begins with a byte order mark",
                    NotJson::Syntax => "its syntax is invalid",
                    NotJson::Depth => "it is nested deeper than 128 levels",
                    NotJson::NotAnObject => "its top level is not an object",
                };
                String::from_iter([
                    "The signature is correct, but the body is not a JSON object: ",
                    reason,
                    ". Check what the sender signed.",
                ])
            }
            Self::Stale { timestamp, future, limit_secs } => {
                let (before, after) = if *future {
                    (
                        "The event is further ahead than the limit of ",
                        " s. Check the clock of this machine, or raise skew. The event's timestamp is ",
                    )
                } else {
                    (
                        "The event is older than the limit of ",
                        " s. Check the clock of this machine, or raise maxAge, or MAX_EVENT_AGE at the edge. The \
                         event's timestamp is ",
                    )
                };
                let seconds = number(usize::try_from(*limit_secs).unwrap_or(usize::MAX));
                let mut message = String::from_iter([before, &seconds, after, timestamp]);
                message.push('.');
                message
            }
            Self::NoTimestamp => "The event has no readable timestamp, and requireTimestamp is set. Check what the \
                 sender signed."
                .to_owned(),
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
            (Error::Stale { timestamp: String::new(), future: false, limit_secs: 0 }, "stale", 400),
            (Error::NoTimestamp, "stale", 400),
        ] {
            assert_eq!((error.code(), error.status()), (code, status));
        }
    }

    #[test]
    fn messages_state_the_limits() {
        let keys = Error::InvalidKey { keys: 5 }.to_string();
        let limit = format!("5 keys were given, but at most {} are allowed. ", crate::MAX_KEYS);
        assert!(keys.starts_with(&limit), "{keys}");
        let depth = Error::NotJson(NotJson::Depth).to_string();
        assert!(depth.contains(&format!("deeper than {} levels. ", crate::MAX_DEPTH)), "{depth}");
    }

    #[cfg(feature = "contract")]
    #[test]
    fn a_code_has_the_same_status_in_every_place() {
        for one in CODES {
            for other in CODES.iter().filter(|other| other.code == one.code) {
                assert_eq!(one.status, other.status, "{}", one.code);
            }
        }
    }
}
