//! Standard Webhooks (<https://www.standardwebhooks.com>): a destination's own secret signs the requests to it, so that
//! the destination can verify them with any library of that standard.

use std::fmt;

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::ids::RowId;

// This fails to compile without the feature that wipes the hash's state, as in the core.
const fn wiped<T: ZeroizeOnDrop>() {}
const _: () = wiped::<Sha256>();

pub(crate) const PREFIX: &str = "whsec_";
pub(crate) const LEAST_BYTES: usize = 24;
pub(crate) const MOST_BYTES: usize = 64;

/// The secret of one destination, which signs with HMAC-SHA256.
///
/// It holds only the keyed state, which is wiped on drop and never printed.
#[derive(Clone)]
pub(crate) struct Secret(Hmac<Sha256>);

impl Secret {
    /// Reads a secret: the prefix, and 24 to 64 bytes in base64.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0; MOST_BYTES]);
        let key = Base64::decode(encoded, bytes.as_mut_slice()).ok()?;
        if key.len() < LEAST_BYTES {
            return None;
        }
        // HMAC accepts a key of any length. The constructor is fallible only because some other MACs reject a length.
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// Makes the value of `webhook-signature`; the time is in seconds since the Unix epoch.
    ///
    /// The signed parts are joined by full stops, so an ID must not contain one: see [`message_id`].
    pub(crate) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mac = self
            .0
            .clone()
            .chain_update(format!("{id}.{timestamp}."))
            .chain_update(body)
            .finalize()
            .into_bytes();
        format!("v1,{}", Base64::encode_string(&mac))
    }
}

/// Makes `webhook-id` from an idempotency key, and from the row if several bodies share the key. A full stop becomes
/// two colons: a session's ID has no colon, so different IDs stay different.
pub(crate) fn message_id(id: &str, row: Option<RowId>) -> String {
    let id = id.replace('.', "::");
    match row {
        None => id,
        Some(row) => format!("{id}:{row}"),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the reference libraries' own tests.
    const TEXT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn signs_as_the_reference_libraries_do() {
        let secret = Secret::new(TEXT).unwrap();
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn message_ids_have_no_full_stop_and_stay_different() {
        assert_eq!(message_id("demo_session_finished:a", None), "demo_session_finished:a");
        let ids = ["a", "a.", "a.5", ".a", "..", "a.1.b"];
        let all: std::collections::BTreeSet<_> = ids
            .into_iter()
            .flat_map(|id| {
                [None, Some(1), Some(5)]
                    .map(|row| message_id(&format!("demo:{id}"), row.map(RowId)))
            })
            .collect();
        assert_eq!(all.len(), 3 * ids.len());
        assert!(!all.iter().any(|id| id.contains('.')), "{all:?}");
    }

    #[test]
    fn signs_a_body_that_is_not_text() {
        let secret = Secret::new(TEXT).unwrap();
        assert_ne!(secret.sign("id", 0, &[0xff]), secret.sign("id", 0, &[0xfe]));
        assert_ne!(secret.sign("id", 0, b""), secret.sign("id", 1, b""));
    }

    #[test]
    fn a_secret_has_24_to_64_bytes() {
        let secret =
            |length| Secret::new(&format!("{PREFIX}{}", Base64::encode_string(&vec![7; length])));
        for (length, good) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(secret(length).is_some(), good, "{length}");
        }
        assert!(secret(1000).is_none());
    }

    #[test]
    fn a_secret_has_one_form_only() {
        for bad in [
            "",
            "whsec_",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS-",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA", // without its padding
        ] {
            assert!(Secret::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new(TEXT)), "Some(Secret(redacted))");
    }
}
